package check

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"informant/decode/cwmp"
)

// informs is the checks of what an Inform holds.
var informs = []*Check{
	{
		ID: "INF-001", Title: "DeviceId has all four members", Ref: "TR-069a6 A.3.3.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform | noted, Run: deviceComplete,
		Doc: "Manufacturer, OUI, ProductClass and SerialNumber together say who calls; an ACS that misses one refuses the device or mixes it up with another.",
	},
	{
		ID: "INF-002", Title: "The OUI is six upper-case hex digits", Ref: "cwmp-1-0.xsd DeviceIdStruct", Severity: Error, Field: true, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddDevice, Run: ouiForm,
		Doc: "ACSs compare it as text: the same device with a lower-case OUI is another device.",
	},
	{
		ID: "INF-003", Title: "The OUI is one that can be registered", Ref: "IEEE 802", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddDevice, Run: ouiReal,
		Doc: "000000, FFFFFF and OUIs with the multicast bit are placeholders. Devices of several makers then share one identity space.",
	},
	{
		ID: "INF-004", Title: "The SerialNumber is a real one", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddDevice, Run: serialReal,
		Doc: "An empty or placeholder serial number makes devices indistinguishable: the ACS overwrites one with the other.",
	},
	{
		ID: "INF-005", Title: "ProductClass is not empty", Ref: "TR-069a6 A.3.3.1", Severity: Info, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddDevice, Run: classEmpty,
		Doc: "Empty is legal if serial numbers are unique within the OUI.",
	},
	{
		ID: "INF-006", Title: "Manufacturer is not empty", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddDevice, Run: makerEmpty,
		Doc: "It is for people to read; an ACS that groups by it puts the device nowhere.",
	},
	{
		ID: "INF-008", Title: "Inform.MaxEnvelopes is 1", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddEnvelopes, Run: envelopesCPE,
		Doc: "Several envelopes per HTTP message went away with Amendment 1; receivers ignore the value.",
	},
	{
		ID: "INF-009", Title: "InformResponse.MaxEnvelopes is 1", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: oddEnvelopes, Run: envelopesACS,
		Doc: "Several envelopes per HTTP message went away with Amendment 1; receivers ignore the value.",
	},
	{
		ID: "INF-010", Title: "CurrentTime is a valid dateTime", Ref: "TR-069a6 A.3.3.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddTime, Run: timeForm,
		Doc: "An ACS that parses it strictly refuses the whole Inform. Seconds are needed, and a real month and day.",
	},
	{
		ID: "INF-011", Title: "CurrentTime has a zone, and a year that can be", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddTime, Run: timeZone,
		Doc: "It is local time with its offset, or UTC. A device that doesn't know the time sends the Unknown Time 0001-01-01T00:00:00Z, and not 1970.",
	},
	{
		ID: "INF-012", Title: "CurrentTime is the time of day", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: GoodClock | WholeBody, each: true, body: true, need: anInform, odd: oddTime, Run: timeOff,
		Doc: "More than five minutes off. TLS certificates, schedules and logs depend on the clock; look at NTP and at the zone.",
	},
	{
		ID: "INF-014", Title: "The event list is not empty", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Field: true, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddInform, Run: noEvents,
		Doc: "An Inform without events doesn't say why the CPE calls. Some devices do so when they try a failed session again.",
	},
	{
		ID: "INF-015", Title: "There are at most 64 events", Ref: "cwmp-1-0.xsd EventList", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddInform, Run: manyEvents,
		Doc: "Receivers have room for that many. So many events mostly come from transfers that are never reported as delivered.",
	},
	{
		ID: "INF-016", Title: "RetryCount is an unsigned number", Ref: "cwmp-1-0.xsd", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddInform, Run: retryForm,
		Doc: "It says how often this session was tried before.",
	},
	{
		ID: "INF-017", Title: "Every forced parameter of the data model is there", Ref: "TR-098, TR-181: forced Inform parameters", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddForced, Run: forcedParameters,
		Doc: "ACSs take the versions, the ParameterKey and the ConnectionRequestURL from the Inform and have no other source for them. Which ones are forced depends on the root object.",
	},
	{
		ID: "INF-018", Title: "No parameter is there twice", Ref: "TR-069a6 A.3.3.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: twice, Run: parameterTwice,
		Doc: "With two values for one name it is chance which one the ACS keeps.",
	},
	{
		ID: "INF-019", Title: "The parameters have full names", Ref: "TR-069a6 A.2.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: partial, Run: parameterPartial,
		Doc: "An object has no value; a name that ends in a dot, or none at all, tells nothing.",
	},
	{
		ID: "INF-020", Title: "All parameters are below one root", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: twoRoots, Run: oneRoot,
		Doc: "A device has one root object: Device. or InternetGatewayDevice. An ACS chooses its data model by it.",
	},
	{
		ID: "INF-022", Title: "ConnectionRequestURL is an http URL with host and path", Ref: "TR-069a6 3.2.2", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddCall, Run: callURL,
		Doc: "The ACS calls the device by it, always over plain HTTP with Digest. Empty is allowed when Connection Requests are switched off or there is no address yet.",
	},
	{
		ID: "INF-023", Title: "The host of the ConnectionRequestURL can be reached", Ref: "TR-069a6 3.2.2", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddCall, Run: callHost,
		Doc: "A loopback or unspecified address is reached by nobody, unless the session itself runs over the loopback address. A private one behind a NAT needs STUN or XMPP, and is told as a note.",
	},
	{
		ID: "INF-032", Title: "An Inform is resent as it was", Ref: "TR-069a6 3.4", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: resends, Run: resentOtherwise,
		Doc: "After a 401, a redirect or fault 8005 the same Inform comes again; only CurrentTime may differ.",
	},
	{
		ID: "INF-035", Title: "HardwareVersion and SoftwareVersion are not empty", Ref: "TR-098, TR-181 DeviceInfo", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: oddCall, Run: versionEmpty,
		Doc: "An ACS decides by SoftwareVersion whether to upgrade; with an empty one it upgrades each time or never.",
	},
}

func deviceComplete(p *Pass) {
	m := p.Message
	if p.inform() == nil {
		return
	}
	for i := range m.Notes {
		n := &m.Notes[i]
		if member, ok := strings.CutPrefix(n.Path, "DeviceId/"); ok && n.Kind == cwmp.MissingArg {
			p.report(CPE, inText(m, n.At), "DeviceId has no %s", short(member))
		}
	}
}

func ouiForm(p *Pass) {
	in := p.inform()
	if in == nil || !in.DeviceID.OUI.Present {
		return
	}
	oui := in.DeviceID.OUI.Value
	switch at := atLeaf(p.Message, &in.DeviceID.OUI); {
	case isOUI(oui):
	case isOUI(strings.ToUpper(oui)):
		p.report(CPE, at, "The OUI %s is in lower case", quote(oui))
	default:
		p.report(CPE, at, "The OUI %s is not six upper-case hex digits", quote(oui))
	}
}

func ouiReal(p *Pass) {
	in := p.inform()
	if in == nil {
		return
	}
	oui := strings.ToUpper(strings.TrimSpace(in.DeviceID.OUI.Value))
	if !isOUI(oui) {
		return
	}
	at := atLeaf(p.Message, &in.DeviceID.OUI)
	switch {
	case oui == "000000" || oui == "FFFFFF":
		p.report(CPE, at, "The OUI %s is a placeholder", oui)
	case strings.IndexByte("13579BDF", oui[1]) >= 0:
		p.report(CPE, at, "The OUI %s has the multicast bit: nobody can have registered it", oui)
	}
}

func serialReal(p *Pass) {
	in := p.inform()
	if in == nil || !in.DeviceID.SerialNumber.Present {
		return
	}
	s := strings.TrimSpace(in.DeviceID.SerialNumber.Value)
	switch at := atLeaf(p.Message, &in.DeviceID.SerialNumber); {
	case s == "":
		p.report(CPE, at, "The SerialNumber is empty")
	case placeholder(s):
		p.report(CPE, at, "The SerialNumber %s is a placeholder", quote(in.DeviceID.SerialNumber.Value))
	}
}

// placeholder says whether a serial number stands for none.
func placeholder(s string) bool {
	switch len(s) {
	case 3, 4, 6, 7, 10:
		for _, x := range [...]string{"1234567890", "unknown", "none", "null", "(null)", "n/a", "default"} {
			if len(x) == len(s) && strings.ToLower(s) == x {
				return true
			}
		}
	}
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}

func classEmpty(p *Pass) {
	if in := p.inform(); in != nil && in.DeviceID.ProductClass.Present && strings.TrimSpace(in.DeviceID.ProductClass.Value) == "" {
		p.report(CPE, atLeaf(p.Message, &in.DeviceID.ProductClass), "The ProductClass is empty")
	}
}

func makerEmpty(p *Pass) {
	if in := p.inform(); in != nil && in.DeviceID.Manufacturer.Present && strings.TrimSpace(in.DeviceID.Manufacturer.Value) == "" {
		p.report(CPE, atLeaf(p.Message, &in.DeviceID.Manufacturer), "The Manufacturer is empty")
	}
}

// envelopes reports a MaxEnvelopes other than 1.
func (p *Pass) envelopes(l *cwmp.Leaf) {
	if n, ok := l.Uint(); l.Present && (!ok || n != 1) {
		p.report(p.sender(), atLeaf(p.Message, l), "MaxEnvelopes is %s, not 1", quote(l.Value))
	}
}

func envelopesCPE(p *Pass) {
	if in := p.inform(); in != nil {
		p.envelopes(&in.MaxEnvelopes)
	}
}

func envelopesACS(p *Pass) {
	if r, ok := p.Message.Args.(*cwmp.InformResponse); ok {
		p.envelopes(&r.MaxEnvelopes)
	}
}

func timeForm(p *Pass) {
	in := p.inform()
	if in == nil || !in.CurrentTime.Present {
		return
	}
	if _, _, ok := in.CurrentTime.Time(); !ok {
		p.report(CPE, atLeaf(p.Message, &in.CurrentTime), "CurrentTime %s is no valid dateTime", quote(in.CurrentTime.Value))
	}
}

// isUnknownTime says whether a time stands for "not known".
func isUnknownTime(t time.Time) bool { return t.Year() <= 1 }

func timeZone(p *Pass) {
	in := p.inform()
	if in == nil {
		return
	}
	t, zone, ok := in.CurrentTime.Time()
	switch at := atLeaf(p.Message, &in.CurrentTime); {
	case !ok || isUnknownTime(t):
	case t.Year() < 1971:
		p.report(CPE, at, "CurrentTime is %s: the clock was never set, and that is told by the Unknown Time %s", quote(in.CurrentTime.Value), cwmp.UnknownTime)
	case !zone:
		p.report(CPE, at, "CurrentTime %s has no zone", quote(in.CurrentTime.Value))
	}
}

func timeOff(p *Pass) {
	in := p.inform()
	if in == nil || p.Message.Time.IsZero() {
		return
	}
	t, zone, ok := in.CurrentTime.Time()
	if !ok || !zone || t.Year() < 1971 {
		return
	}
	if d := t.Sub(p.Message.Time); d > 5*time.Minute || d < -5*time.Minute {
		word := "behind"
		if d > 0 {
			word = "ahead of"
		}
		p.report(CPE, atLeaf(p.Message, &in.CurrentTime), "CurrentTime %s is %s %s the time of the capture", quote(in.CurrentTime.Value), d.Abs().Round(time.Second).String(), word)
	}
}

func noEvents(p *Pass) {
	if in := p.inform(); in != nil && in.Event.Present && len(in.Event.Items) == 0 {
		p.report(CPE, inText(p.Message, in.Event.At), "The Inform has no events")
	}
}

func manyEvents(p *Pass) {
	if in := p.inform(); in != nil && len(in.Event.Items) > 64 {
		p.report(CPE, inText(p.Message, in.Event.At), "The Inform has %d events, more than 64", len(in.Event.Items))
	}
}

func retryForm(p *Pass) {
	in := p.inform()
	if in == nil || !in.RetryCount.Present {
		return
	}
	if n, ok := in.RetryCount.Uint(); !ok || n > 1<<32-1 {
		p.report(CPE, atLeaf(p.Message, &in.RetryCount), "RetryCount is %s, not an unsigned number of 32 bits", quote(in.RetryCount.Value))
	}
}

// forced is a parameter that every Inform of a root must have.
type forced struct {
	name     string
	severity Severity
}

// The forced parameters by the root: InternetGatewayDevice, Device:1, Device:2
// from 2.4, and a Device that doesn't tell which.
var (
	forcedGateway = []forced{{"InternetGatewayDevice.DeviceSummary", Error}, {"InternetGatewayDevice.DeviceInfo.SpecVersion", Error},
		{"InternetGatewayDevice.DeviceInfo.HardwareVersion", Error}, {"InternetGatewayDevice.DeviceInfo.SoftwareVersion", Error},
		{"InternetGatewayDevice.DeviceInfo.ProvisioningCode", Error}, {"InternetGatewayDevice.ManagementServer.ConnectionRequestURL", Error},
		{"InternetGatewayDevice.ManagementServer.ParameterKey", Error}}
	forcedDevice1 = []forced{{"Device.DeviceInfo.HardwareVersion", Error}, {"Device.DeviceInfo.SoftwareVersion", Error},
		{"Device.ManagementServer.ConnectionRequestURL", Error}, {"Device.ManagementServer.ParameterKey", Error}}
	forcedDevice2 = append(forcedDevice1[:4:4], forced{"Device.DeviceInfo.ProvisioningCode", Error})
	forcedDevice  = append(forcedDevice1[:4:4], forced{"Device.RootDataModelVersion", Warning})
)

// forcedOf is the forced parameters by those that an Inform has.
func forcedOf(list []cwmp.ParameterValueStruct) []forced {
	for i := range list {
		if strings.HasPrefix(trimmed(list[i].Name.Value), "InternetGatewayDevice.") {
			return forcedGateway
		}
	}
	switch {
	case hasParameter(list, "Device.DeviceSummary"): // TR-106, TR-181 issue 1
		return forcedDevice1
	case hasParameter(list, "Device.RootDataModelVersion"):
		return forcedDevice2
	}
	return forcedDevice
}

// hasParameter says whether a parameter is in a list.
func hasParameter(list []cwmp.ParameterValueStruct, name string) bool {
	for i := range list {
		if n := list[i].Name.Value; n == name || len(n) > len(name) && trimmed(n) == name {
			return true
		}
	}
	return false
}

func forcedParameters(p *Pass) {
	in := p.inform()
	if in == nil || len(in.ParameterList.Items) == 0 {
		return
	}
	known, address := false, false
	for i := range in.ParameterList.Items {
		n := trimmed(in.ParameterList.Items[i].Name.Value)
		known = known || strings.HasPrefix(n, "Device.") || strings.HasPrefix(n, "InternetGatewayDevice.")
		address = address || strings.HasSuffix(n, ".ExternalIPAddress") || strings.HasPrefix(n, "Device.")
	}
	if !known {
		return
	}
	at := inText(p.Message, in.ParameterList.At)
	for _, f := range forcedOf(in.ParameterList.Items) {
		if !hasParameter(in.ParameterList.Items, f.name) {
			p.reportAs(f.severity, CPE, at, "The Inform lacks the forced parameter %s", f.name)
		}
	}
	if !address {
		p.reportAs(Warning, CPE, at, "The Inform lacks the ExternalIPAddress of the default WAN connection")
	}
}

func parameterTwice(p *Pass) {
	in := p.inform()
	if in == nil {
		return
	}
	seen := make(map[string]int, len(in.ParameterList.Items))
	for i := range in.ParameterList.Items {
		l := &in.ParameterList.Items[i].Name
		if seen[l.Value]++; seen[l.Value] == 2 && l.Value != "" {
			p.report(CPE, atLeaf(p.Message, l), "The parameter %s is there twice", short(l.Value))
		}
	}
}

func parameterPartial(p *Pass) {
	in := p.inform()
	if in == nil {
		return
	}
	for i := range in.ParameterList.Items {
		l := &in.ParameterList.Items[i].Name
		if n := strings.TrimSpace(l.Value); l.Present && (n == "" || strings.HasSuffix(n, ".")) {
			p.report(CPE, atLeaf(p.Message, l), "The parameter name %s is not that of a parameter", quote(l.Value))
		}
	}
}

func oneRoot(p *Pass) {
	in := p.inform()
	if in == nil {
		return
	}
	root := ""
	for i := range in.ParameterList.Items {
		l := &in.ParameterList.Items[i].Name
		got := ""
		for _, r := range []string{"Device.", "InternetGatewayDevice."} {
			if strings.HasPrefix(strings.TrimSpace(l.Value), r) {
				got = r
			}
		}
		switch {
		case got == "":
		case root == "":
			root = got
		case got != root:
			p.report(CPE, atLeaf(p.Message, l), "%s is not below %s as the parameters before it", short(l.Value), root)
			return
		}
	}
}

// parameter is an Inform's parameter below its root.
func (p *Pass) parameter(path string) *cwmp.ParameterValueStruct {
	in := p.inform()
	if in == nil {
		return nil
	}
	for i := range in.ParameterList.Items {
		x := &in.ParameterList.Items[i]
		n, ok := strings.CutSuffix(trimmed(x.Name.Value), path)
		if ok && (n == "Device." || n == "InternetGatewayDevice.") {
			return x
		}
	}
	return nil
}

func callURL(p *Pass) {
	x := p.parameter("ManagementServer.ConnectionRequestURL")
	if x == nil || !x.Value.Present {
		return
	}
	raw := strings.TrimSpace(x.Value.Value)
	at := atLeaf(p.Message, &x.Value)
	if raw == "" {
		p.reportAs(Info, CPE, at, "ConnectionRequestURL is empty: the ACS cannot call this device")
		return
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || !u.IsAbs():
		p.report(CPE, at, "ConnectionRequestURL is no absolute URL")
	case !strings.EqualFold(u.Scheme, "http"):
		p.report(CPE, at, "ConnectionRequestURL has the scheme %s, not http", short(u.Scheme))
	case u.Hostname() == "":
		p.report(CPE, at, "ConnectionRequestURL %s names no host", quote(raw))
	case u.User != nil:
		p.report(CPE, at, "ConnectionRequestURL carries user information")
	case u.Path == "":
		p.report(CPE, at, "ConnectionRequestURL %s has no path", quote(raw))
	}
}

// overLoopback says whether the CPE and the ACS of the pass's message are on one
// machine and speak over its loopback address.
func (p *Pass) overLoopback() bool {
	h := p.Message.HTTP
	return h != nil && h.Conn != nil && h.Conn.Client.Addr().Unmap().IsLoopback()
}

func callHost(p *Pass) {
	x := p.parameter("ManagementServer.ConnectionRequestURL")
	if x == nil {
		return
	}
	u, err := url.Parse(strings.TrimSpace(x.Value.Value))
	if err != nil {
		return
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return
	}
	at := atLeaf(p.Message, &x.Value)
	if a.IsLoopback() && p.overLoopback() {
		return
	}
	if a.IsUnspecified() || a.IsLoopback() {
		p.report(CPE, at, "ConnectionRequestURL has the host %s, which nobody can reach", a)
		return
	}
	if c := p.Message.HTTP.Conn; a.IsPrivate() && c != nil && c.Client.IsValid() {
		if from := c.Client.Addr().Unmap(); !from.IsPrivate() && !from.IsLoopback() && !from.IsLinkLocalUnicast() && !isShared(from) {
			p.reportAs(Info, CPE, at, "ConnectionRequestURL has the private host %s, but the device comes from %s: it is behind a NAT", a, from)
		}
	}
}

// isShared says whether an address is of the space that carriers' NATs use
// (RFC 6598).
func isShared(a netip.Addr) bool {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10).Contains(a)
}

func resentOtherwise(p *Pass) {
	s := p.Session
	var last *cwmp.Message
	for _, m := range s.Messages {
		if !isInform(m) || m.From != cwmp.CPE || openNow(m)&WholeBody == 0 {
			continue
		}
		if last != nil && m.Resend && (m.Document == nil || last.Document == nil || m.Document.Text != last.Document.Text) {
			a, okA := last.Args.(*cwmp.Inform)
			b, okB := m.Args.(*cwmp.Inform)
			if okA && okB {
				if what := difference(a, b); what != "" {
					p.reportWith(Warning, CPE, atMethod(m), []*cwmp.Message{last}, "The Inform is resent with another %s", what)
					return
				}
			}
		}
		last = m
	}
}

// difference names the first argument in which two Informs differ, CurrentTime
// aside.
func difference(a, b *cwmp.Inform) string {
	if a.DeviceID.Manufacturer.Value != b.DeviceID.Manufacturer.Value || a.DeviceID.OUI.Value != b.DeviceID.OUI.Value ||
		a.DeviceID.ProductClass.Value != b.DeviceID.ProductClass.Value || a.DeviceID.SerialNumber.Value != b.DeviceID.SerialNumber.Value {
		return "DeviceId"
	}
	if len(a.Event.Items) != len(b.Event.Items) {
		return "number of events"
	}
	for i := range a.Event.Items {
		if a.Event.Items[i].EventCode.Value != b.Event.Items[i].EventCode.Value || a.Event.Items[i].CommandKey.Value != b.Event.Items[i].CommandKey.Value {
			return "Event"
		}
	}
	if a.RetryCount.Value != b.RetryCount.Value {
		return "RetryCount"
	}
	if len(a.ParameterList.Items) != len(b.ParameterList.Items) {
		return "number of parameters"
	}
	for i := range a.ParameterList.Items {
		x, y := &a.ParameterList.Items[i], &b.ParameterList.Items[i]
		if x.Name.Value != y.Name.Value {
			return "order or choice of parameters"
		}
		if x.Value.Value != y.Value.Value {
			return "value of " + short(x.Name.Value)
		}
	}
	return ""
}

func versionEmpty(p *Pass) {
	for _, n := range []string{"HardwareVersion", "SoftwareVersion"} {
		if x := p.parameter("DeviceInfo." + n); x != nil && x.Value.Present && strings.TrimSpace(x.Value.Value) == "" {
			p.report(CPE, atLeaf(p.Message, &x.Value), "%s is empty", n)
		}
	}
}
