package check

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// watchedValues is the checks of values of parameters against what was known of them,
// and of how changes are told.
var watchedValues = []*Check{
	{
		ID: "INF-021", Title: "4 VALUE CHANGE has a parameter that changed", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: changesOnly, Run: nothingChanged,
		Doc: "All parameters of the Inform are as they were told before. A change and back again is legal, so this is no error.",
	},
	{
		ID: "INF-033", Title: "A change with passive notification is in the next Inform", Ref: "TR-069a6 A.3.2.4", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: reads, Run: passiveUntold,
		Doc: "The ACS had set Notification for the parameter, and reads another value than before, which the Inform didn't have.",
	},
	{
		ID: "INF-034", Title: "Inform has no more parameters than it must", Ref: "TR-069a6 A.3.3.1", Severity: Info, Gates: WholeSession | History, Subject: OfSession, course: attributed, Run: needlessParameter,
		Doc: "The Notification of this one is off, and it is none of the forced ones.",
	},
	{
		ID: "EVT-037", Title: "4 VALUE CHANGE is not for what the ACS has set", Ref: "TR-069a6 A.3.2.1", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: changesOnly, Run: changedByACS,
		Doc: "All parameters of the Inform but for the forced ones have the values that the ACS has set in the session before: it knows of them.",
	},
	{
		ID: "CR-024", Title: "Another UDPConnectionRequestAddress is told as 4 VALUE CHANGE", Ref: "TR-069a6 Annex G", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: attributed, Run: udpAddressUntold,
		Doc: "Its active notification is on, and it was another one in the session before. The ACS sends its UDP connection requests there.",
	},
	{
		ID: "RPC-050", Title: "Wildcards are only for devices that support them", Ref: "TR-181: ManagementServer.InstanceWildcardsSupported", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: noWildcards, Run: wildcard,
		Doc: "The CPE said that InstanceWildcardsSupported is false, and the ACS asks with a * in the place of an instance number.",
	},
	{
		ID: "TYPE-011", Title: "A string is no longer than its data model has it", Ref: "TR-181, TR-098", Severity: Warning, Gates: WholeBody, each: true, body: true, odd: longValues, Run: overLength,
		Doc: "Judged of the parameters that nearly every device has, by the lengths of TR-098 and TR-181.",
	},
}

// restOf calls f for the Inform's parameters but for the forced ones.
func restOf(in *cwmp.Inform, f func(name string, v *cwmp.ParameterValueStruct) bool) {
	for i := range in.ParameterList.Items {
		x := &in.ParameterList.Items[i]
		if name := strings.TrimSpace(x.Name.Value); !isForced(name) && !f(name, x) {
			return
		}
	}
}

// isForced says whether a parameter is in every Inform.
func isForced(name string) bool {
	for _, list := range [][]forced{forcedGateway, forcedDevice1, forcedDevice2} {
		for i := range list {
			if list[i].name == name {
				return true
			}
		}
	}
	return strings.HasSuffix(name, ".ManagementServer.AliasBasedAddressing") || strings.HasSuffix(name, "RootDataModelVersion") || strings.Contains(name, ".ExternalIPAddress")
}

func nothingChanged(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if len(events) != 1 || events[0].Code != "4 VALUE CHANGE" || !d.Last.Good {
			return
		}
		known := 0
		for i := range in.ParameterList.Items {
			x := &in.ParameterList.Items[i]
			name, value := strings.TrimSpace(x.Name.Value), strings.TrimSpace(x.Value.Value)
			switch {
			case strings.HasSuffix(name, ".SoftwareVersion"):
				if value != d.Last.Software {
					return
				}
			case strings.HasSuffix(name, ".ManagementServer.ParameterKey"):
				if !d.Last.HasKey || d.KeyKnown && value != d.Expected {
					return
				}
			case strings.HasSuffix(name, ".HardwareVersion"), strings.HasSuffix(name, ".SpecVersion"), strings.HasSuffix(name, ".DeviceSummary"), strings.HasSuffix(name, "RootDataModelVersion"):
			default:
				s, ok := d.Value(name)
				if a := d.Attribute(name); !ok && a != nil && a.Known {
					s, ok = history.Setting{Value: a.Value, By: cwmp.CPE}, true
				}
				if !ok || s.By != cwmp.CPE || s.Value != value {
					return
				}
				known++
			}
		}
		if known > 0 {
			p.reportPast(Warning, CPE, p.atCode(in, "4 VALUE CHANGE", ""), []Ref{ofPast(&d.Last)}, "4 VALUE CHANGE, and all of the Inform's parameters are as they were")
		}
	})
}

func passiveUntold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if len(d.Attributes) == 0 || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		told := func(name string) bool {
			found := false
			restOf(in, func(n string, _ *cwmp.ParameterValueStruct) bool { found = n == name; return !found })
			return found
		}
		set := map[string]bool{}
		p.eachAnswered(func(t *cwmp.Transaction) {
			switch q := t.Request.Args.(type) {
			case *cwmp.SetParameterValues:
				for i := range q.ParameterList.Items {
					set[strings.TrimSpace(q.ParameterList.Items[i].Name.Value)] = true
				}
			case *cwmp.GetParameterValues:
				a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse)
				if !ok {
					return
				}
				for i := range a.ParameterList.Items {
					x := &a.ParameterList.Items[i]
					name := strings.TrimSpace(x.Name.Value)
					at := d.Attribute(name)
					if at == nil || at.Notification < 1 || !at.Known || at.Value == strings.TrimSpace(x.Value.Value) || set[name] || isRestless(name) || isForced(name) || told(name) || cwmp.IsSecret(name) {
						continue
					}
					set[name] = true // once
					p.reportPast(Warning, CPE, atLeaf(t.Response, &x.Value), []Ref{ofPast(&d.Last)}, "%s was %s and is %s, its Notification is %d, and the Inform doesn't have it", short(name), shown(name, at.Value), shown(name, x.Value.Value), at.Notification)
				}
			}
		})
	})
}

func needlessParameter(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if len(d.Attributes) == 0 || history.Has(events, "8 DIAGNOSTICS COMPLETE") || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		restOf(in, func(name string, v *cwmp.ParameterValueStruct) bool {
			a := d.Attribute(name)
			if a == nil || a.Notification != 0 {
				return true
			}
			p.report(CPE, atLeaf(p.Session.Inform, &v.Name), "The Inform has %s, whose Notification is off", short(name))
			return false
		})
	})
}

func changedByACS(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if len(events) != 1 || events[0].Code != "4 VALUE CHANGE" || !d.Last.Good {
			return
		}
		n := 0
		var first *cwmp.ParameterValueStruct
		var by history.Setting
		restOf(in, func(name string, v *cwmp.ParameterValueStruct) bool {
			s, ok := d.Value(name)
			if !ok || s.By != cwmp.ACS || s.Session != d.Last.ID || s.Value != strings.TrimSpace(v.Value.Value) {
				n = -1
				return false
			}
			if n++; first == nil {
				first, by = v, s
			}
			return true
		})
		if n > 0 {
			p.reportPast(Warning, CPE, atLeaf(p.Session.Inform, &first.Name), []Ref{{Session: by.Session, N: by.N, Offset: -1}}, "4 VALUE CHANGE, and the ACS itself has set %s%s", short(first.Name.Value), more(n))
		}
	})
}

func udpAddressUntold(p *Pass) {
	const name = ".ManagementServer.UDPConnectionRequestAddress"
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		was, ok := d.Value(name)
		if !ok || was.Value == "" || was.By != cwmp.CPE || !d.Last.Good || history.Has(events, "4 VALUE CHANGE") || history.Has(events, "0 BOOTSTRAP") || history.Has(events, "1 BOOT") {
			return
		}
		if a := d.Attribute(was.Name); a == nil || a.Notification != 2 {
			return
		}
		for i := range in.ParameterList.Items {
			x := &in.ParameterList.Items[i]
			if now := strings.TrimSpace(x.Value.Value); strings.HasSuffix(x.Name.Value, name) && now != "" && now != was.Value {
				p.reportPast(Warning, CPE, atLeaf(p.Session.Inform, &x.Value), []Ref{ofPast(&d.Last)}, "UDPConnectionRequestAddress was %s and is %s, without 4 VALUE CHANGE", short(was.Value), short(now))
			}
		}
	})
}

func wildcard(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		if has, known := d.Bool(".InstanceWildcardsSupported"); !known || has {
			return
		}
		s, _ := d.Value(".InstanceWildcardsSupported")
		ask := func(m *cwmp.Message, l *cwmp.Leaf) {
			if strings.Contains(l.Value, ".*.") && p.firstTime("") {
				p.reportPast(Warning, ACS, atLeaf(m, l), []Ref{{Session: s.Session, N: s.N, Offset: -1}}, "The ACS asks for %s, and the CPE has no wildcards", short(l.Value))
			}
		}
		for _, t := range p.Session.Transactions {
			switch q := t.Request.Args.(type) {
			case *cwmp.GetParameterValues:
				for i := range q.ParameterNames.Items {
					ask(t.Request, &q.ParameterNames.Items[i])
				}
			case *cwmp.GetParameterNames:
				ask(t.Request, &q.ParameterPath)
			case *cwmp.GetParameterAttributes:
				for i := range q.ParameterNames.Items {
					ask(t.Request, &q.ParameterNames.Items[i])
				}
			}
		}
	})
}

// lengths are how long the strings of common parameters may be, in characters, by the
// ends of their names (TR-098, TR-181: DeviceInfo, ManagementServer, Time, WLAN).
var lengths = []struct {
	end  string
	most int
}{
	{".DeviceInfo.Manufacturer", 64}, {".DeviceInfo.ModelName", 64}, {".DeviceInfo.Description", 256}, {".DeviceInfo.ProductClass", 64},
	{".DeviceInfo.SerialNumber", 64}, {".DeviceInfo.HardwareVersion", 64}, {".DeviceInfo.SoftwareVersion", 64}, {".DeviceInfo.ProvisioningCode", 64},
	{".ManagementServer.URL", 256}, {".ManagementServer.Username", 256}, {".ManagementServer.Password", 256}, {".ManagementServer.ParameterKey", 32},
	{".ManagementServer.ConnectionRequestURL", 256}, {".ManagementServer.ConnectionRequestUsername", 256}, {".ManagementServer.ConnectionRequestPassword", 256},
	{".ManagementServer.UDPConnectionRequestAddress", 256}, {".ManagementServer.STUNServerAddress", 256}, {".Time.NTPServer1", 64}, {".Time.NTPServer2", 64}, {".SSID", 32}, {".DiagnosticsState", 64},
}

// leastLengths is the least of lengths by the last node of a name.
var leastLengths = func() map[string]uint16 {
	least := map[string]uint16{}
	for _, l := range lengths {
		last := l.end[strings.LastIndexByte(l.end, '.')+1:]
		if was, ok := least[last]; !ok || uint16(l.most) < was {
			least[last] = uint16(l.most)
		}
	}
	return least
}()

// shortest is the least of lengths.
const shortest = 32

func overLength(p *Pass) {
	list := parameters(p.Message)
	for i := range list {
		x := &list[i]
		if len(x.Value.Value) <= shortest {
			continue
		}
		name := strings.TrimSpace(x.Name.Value)
		for _, l := range lengths {
			if len(x.Value.Value) > l.most && strings.HasSuffix(name, l.end) {
				if n := len([]rune(x.Value.Value)); n > l.most && p.firstTime(name) {
					p.report(p.sender(), atLeaf(p.Message, &x.Value), "%s has %d characters, and may have %d", short(name), n, l.most)
				}
			}
		}
	}
}
