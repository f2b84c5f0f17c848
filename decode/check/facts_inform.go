package check

import (
	"net/netip"
	"strings"
	"time"

	"informant/decode/cwmp"
)

// informFacts is what is odd about the arguments of an Inform.
func (p *Pass) informFacts(m *cwmp.Message, a *cwmp.Inform) (f facts) {
	if a.MaxEnvelopes.Value != "1" {
		f |= oddEnvelopes
	}
	if n := len(a.Event.Items); n == 0 || n > 64 || len(a.RetryCount.Value) > 9 || !digits(a.RetryCount.Value) {
		f |= oddInform
	}
	if t, zone, ok := a.CurrentTime.Time(); !ok || !zone || t.Year() < 1971 || m.Time.IsZero() || t.Sub(m.Time).Abs() > 5*time.Minute {
		f |= oddTime
	}
	if !plainDevice(&a.DeviceID) {
		f |= oddDevice | long
	}
	f |= eventFacts(a)
	f |= listFacts(&a.Event.ArrayInfo, len(a.Event.Items), "EventStruct")
	list := a.ParameterList.Items
	f |= listFacts(&a.ParameterList.ArrayInfo, len(list), "ParameterValueStruct") | p.parameterFacts(m.Document, list)
	if len(list) > 32 || f&partial != 0 {
		return f | twoRoots | oddForced | oddCall
	}
	return f | modelFacts(m, list)
}

// plainDevice says whether a DeviceId is beyond doubt.
func plainDevice(d *cwmp.DeviceIDStruct) bool {
	return isOUI(d.OUI.Value) && d.OUI.Value != "000000" && d.OUI.Value != "FFFFFF" && strings.IndexByte("13579BDF", d.OUI.Value[1]) < 0 &&
		visible(d.ProductClass.Value) && visible(d.Manufacturer.Value) && visible(d.SerialNumber.Value) && !placeholder(d.SerialNumber.Value)
}

// visible says whether a text of at most 64 bytes begins with something that
// is no white space.
func visible(s string) bool { return s != "" && len(s) <= 64 && s[0] > ' ' && s[0] < 0x7f }

// eventFacts is what is odd about the events of an Inform, and which kinds of
// them there are.
func eventFacts(a *cwmp.Inform) (f facts) {
	if len(a.Event.Items) > 64 {
		return special | keyed | several | long
	}
	for i := range a.Event.Items {
		e := &a.Event.Items[i]
		if e.CommandKey.Value != "" {
			f |= keyed
			if len(e.CommandKey.Value) > 32 {
				f |= long
			}
		}
		switch e.EventCode.Value {
		case "0 BOOTSTRAP":
			f |= firstContact
		case "1 BOOT", "2 PERIODIC", "4 VALUE CHANGE", "6 CONNECTION REQUEST":
		default:
			f |= special | long
		}
		for j := range i {
			if a.Event.Items[j].EventCode.Value == e.EventCode.Value {
				f |= several
			}
		}
	}
	if f&special != 0 {
		f |= several
	}
	return f
}

// The forced parameters that modelFacts knows, below their root.
const (
	hasSummary = 1 << iota
	hasSpec
	hasHardware
	hasSoftware
	hasProvisioning
	hasCall
	hasKey
	hasModel
)

// modelFacts is what is odd about an Inform's parameters, whose names are plain.
func modelFacts(m *cwmp.Message, list []cwmp.ParameterValueStruct) (f facts) {
	gateway, device, address, other := false, false, false, false
	has := 0
	for i := range list {
		x := &list[i]
		name, ok := strings.CutPrefix(x.Name.Value, "InternetGatewayDevice.")
		if ok {
			gateway = true
			address = address || strings.HasSuffix(name, ".ExternalIPAddress")
		} else if name, ok = strings.CutPrefix(name, "Device."); ok {
			device = true
		} else {
			other = true
			continue
		}
		switch name {
		case "DeviceSummary":
			has |= hasSummary
		case "RootDataModelVersion":
			has |= hasModel
		case "DeviceInfo.SpecVersion":
			has |= hasSpec
		case "DeviceInfo.ProvisioningCode":
			has |= hasProvisioning
		case "DeviceInfo.HardwareVersion", "DeviceInfo.SoftwareVersion":
			if name[11] == 'H' {
				has |= hasHardware
			} else {
				has |= hasSoftware
			}
			if v := x.Value.Value; v == "" || v[0] <= ' ' || v[0] >= 0x7f {
				f |= oddCall
			}
		case "ManagementServer.ParameterKey":
			has |= hasKey
		case "ManagementServer.ConnectionRequestURL":
			has |= hasCall
			if !plainCall(m, x.Value.Value) {
				f |= oddCall
			}
		}
	}
	if gateway && device {
		return f | twoRoots | oddForced
	}
	const each = hasHardware | hasSoftware | hasCall | hasKey
	want := each | hasModel | hasProvisioning
	switch {
	case gateway:
		want = each | hasSummary | hasSpec | hasProvisioning
	case has&hasSummary != 0:
		want = each
	}
	if other || has&want != want || gateway && !address {
		f |= oddForced
	}
	return f
}

// plainCall says whether a ConnectionRequestURL is beyond doubt: plain HTTP to an
// address that can be reached from where the device calls, a path, and nothing that
// needs a closer look.
func plainCall(m *cwmp.Message, u string) bool {
	rest, ok := strings.CutPrefix(u, "http://")
	slash := strings.IndexByte(rest, '/')
	if !ok || slash < 0 {
		return false
	}
	host, port, ok := strings.Cut(rest[:slash], ":")
	if ok && (len(port) > 5 || !digits(port)) {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; inName[c] == 0 && c != '.' && c != '/' && c != ':' && c != '?' && c != '=' && c != '&' {
			return false
		}
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.IsUnspecified() {
		return false
	}
	var from netip.Addr
	if c := m.HTTP.Conn; c != nil {
		from = c.Client.Addr().Unmap()
	}
	return a.IsLoopback() && from.IsLoopback() || !a.IsLoopback() && (!a.IsPrivate() || from.IsPrivate())
}
