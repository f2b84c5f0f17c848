package scenario

import (
	"fmt"
	"strings"
)

// node is an argument: a leaf with a value, a struct with members, or a list.
type node struct {
	name    string
	value   string
	xsiType string  // of a leaf, "" for none
	kids    []*node // of a struct or list
	item    string  // a list's item type: "xsd:string", "cwmp:EventStruct"
	list    bool
	group   bool // a struct
}

func leaf(name, value string) *node { return &node{name: name, value: value} }

func list(name, item string, kids ...*node) *node {
	return &node{name: name, item: item, list: true, kids: kids}
}

func group(name string, kids ...*node) *node { return &node{name: name, group: true, kids: kids} }

// unknownTime is the dateTime for "not known".
const unknownTime = "0001-01-01T00:00:00Z"

// Times that a finished transfer may have had.
const (
	exampleStart = "2026-11-22T07:58:11Z"
	exampleEnd   = "2026-11-22T07:58:40Z"
)

// defaults are the arguments that a method has when a scenario doesn't say
// otherwise. Methods that aren't listed have none.
func defaults(method string) []*node {
	switch method {
	case "GetRPCMethodsResponse":
		return []*node{stringList("MethodList", "GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames", "SetParameterAttributes",
			"GetParameterAttributes", "AddObject", "DeleteObject", "Reboot", "Download", "FactoryReset")}
	case "SetParameterValues":
		return []*node{list("ParameterList", "cwmp:ParameterValueStruct"), leaf("ParameterKey", "")}
	case "SetParameterValuesResponse", "DeleteObjectResponse":
		return []*node{leaf("Status", "0")}
	case "GetParameterValues", "GetParameterAttributes":
		return []*node{stringList("ParameterNames")}
	case "GetParameterValuesResponse":
		return []*node{list("ParameterList", "cwmp:ParameterValueStruct")}
	case "GetParameterNames":
		return []*node{leaf("ParameterPath", "Device."), leaf("NextLevel", "1")}
	case "GetParameterNamesResponse":
		return []*node{list("ParameterList", "cwmp:ParameterInfoStruct")}
	case "SetParameterAttributes":
		return []*node{list("ParameterList", "cwmp:SetParameterAttributesStruct")}
	case "GetParameterAttributesResponse":
		return []*node{list("ParameterList", "cwmp:ParameterAttributeStruct")}
	case "AddObject", "DeleteObject":
		return []*node{leaf("ObjectName", "Device.NAT.PortMapping."), leaf("ParameterKey", "")}
	case "AddObjectResponse":
		return []*node{leaf("InstanceNumber", "1"), leaf("Status", "0")}
	case "Download":
		return []*node{leaf("CommandKey", "fw-1"), leaf("FileType", "1 Firmware Upgrade Image"), leaf("URL", "https://files.example/fw.bin"), leaf("Username", ""),
			leaf("Password", ""), leaf("FileSize", "0"), leaf("TargetFileName", ""), leaf("DelaySeconds", "0"), leaf("SuccessURL", ""), leaf("FailureURL", "")}
	case "DownloadResponse", "UploadResponse":
		return []*node{leaf("Status", "1"), leaf("StartTime", unknownTime), leaf("CompleteTime", unknownTime)}
	case "Upload":
		return []*node{leaf("CommandKey", "up-1"), leaf("FileType", "3 Vendor Configuration File 1"), leaf("URL", "https://files.example/up"), leaf("Username", ""),
			leaf("Password", ""), leaf("DelaySeconds", "0")}
	case "ScheduleDownload":
		return []*node{leaf("CommandKey", "fw-1"), leaf("FileType", "1 Firmware Upgrade Image"), leaf("URL", "https://files.example/fw.bin"), leaf("Username", ""),
			leaf("Password", ""), leaf("FileSize", "0"), leaf("TargetFileName", ""), list("TimeWindowList", "cwmp:TimeWindowStruct",
				group("TimeWindowStruct", leaf("WindowStart", "0"), leaf("WindowEnd", "3600"), leaf("WindowMode", "1 At Any Time"), leaf("UserMessage", ""), leaf("MaxRetries", "0")))}
	case "Reboot", "CancelTransfer":
		return []*node{leaf("CommandKey", "key-1")}
	case "ScheduleInform":
		return []*node{leaf("DelaySeconds", "60"), leaf("CommandKey", "key-1")}
	case "SetVouchers":
		return []*node{list("VoucherList", "xsd:base64")}
	case "GetOptions":
		return []*node{leaf("OptionName", "")}
	case "GetOptionsResponse":
		return []*node{list("OptionList", "cwmp:OptionStruct")}
	case "GetQueuedTransfersResponse":
		return []*node{list("TransferList", "cwmp:QueuedTransferStruct")}
	case "GetAllQueuedTransfersResponse":
		return []*node{list("TransferList", "cwmp:AllQueuedTransferStruct")}
	case "InformResponse":
		return []*node{leaf("MaxEnvelopes", "1")}
	case "TransferComplete":
		return []*node{leaf("CommandKey", "fw-1"), group("FaultStruct", leaf("FaultCode", "0"), leaf("FaultString", "")),
			leaf("StartTime", exampleStart), leaf("CompleteTime", exampleEnd)}
	case "AutonomousTransferComplete":
		return []*node{leaf("AnnounceURL", ""), leaf("TransferURL", "https://files.example/fw.bin"), leaf("IsDownload", "1"), leaf("FileType", "1 Firmware Upgrade Image"),
			leaf("FileSize", "0"), leaf("TargetFileName", ""), group("FaultStruct", leaf("FaultCode", "0"), leaf("FaultString", "")),
			leaf("StartTime", exampleStart), leaf("CompleteTime", exampleEnd)}
	case "RequestDownload":
		return []*node{leaf("FileType", "1 Firmware Upgrade Image"), list("FileTypeArg", "cwmp:ArgStruct")}
	case "Kicked":
		return []*node{leaf("Command", "go"), leaf("Referer", ""), leaf("Arg", ""), leaf("Next", "")}
	case "KickedResponse":
		return []*node{leaf("NextURL", "")}
	}
	return nil
}

// stringList is a list of strings.
func stringList(name string, values ...string) *node {
	n := list(name, "xsd:string")
	for _, v := range values {
		n.kids = append(n.kids, leaf("string", v))
	}
	return n
}

// inform is the arguments of an Inform of d.
func (p *player) inform(d *device) []*node {
	return []*node{
		group("DeviceId", leaf("Manufacturer", d.manufacturer), leaf("OUI", d.oui), leaf("ProductClass", d.class), leaf("SerialNumber", d.serial)),
		list("Event", "cwmp:EventStruct", events("2 PERIODIC")...),
		leaf("MaxEnvelopes", "1"),
		leaf("CurrentTime", p.now.Format("2006-01-02T15:04:05Z07:00")),
		leaf("RetryCount", "0"),
		list("ParameterList", "cwmp:ParameterValueStruct", d.forced()...),
	}
}

// events is the EventStructs of "CODE|CODE=key".
func events(text string) []*node {
	var all []*node
	if text == "" {
		return nil
	}
	for _, e := range strings.Split(text, "|") {
		code, key, _ := strings.Cut(e, "=")
		all = append(all, group("EventStruct", leaf("EventCode", code), leaf("CommandKey", key)))
	}
	return all
}

// forced is the forced Inform parameters of the device's root (TR-098, TR-181).
func (d *device) forced() []*node {
	cr := "http://" + d.address.Addr().String() + ":7547/cr-5d1b"
	info := d.root + "DeviceInfo."
	server := d.root + "ManagementServer."
	params := []*node{}
	add := func(name, value string) { params = append(params, parameter(name, value, "string")) }
	if d.root == "Device." {
		add("Device.RootDataModelVersion", "2.11")
	} else {
		add(d.root+"DeviceSummary", "InternetGatewayDevice:1.4[](Baseline:1)")
		add(info+"SpecVersion", "1.0")
	}
	add(info+"HardwareVersion", "R1")
	add(info+"SoftwareVersion", "5.20")
	add(info+"ProvisioningCode", "")
	add(server+"ParameterKey", "")
	add(server+"ConnectionRequestURL", cr)
	if d.root != "Device." {
		add(d.root+"WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress", d.address.Addr().String())
	}
	return params
}

// parameter is a ParameterValueStruct.
func parameter(name, value, typ string) *node {
	v := leaf("Value", value)
	switch {
	case strings.Contains(typ, ":"):
		v.xsiType = typ
	case typ != "none":
		v.xsiType = "xsd:" + typ
	}
	return group("ParameterValueStruct", leaf("Name", name), v)
}

// short names of arguments.
var aliases = map[string]string{"key": "CommandKey", "fault": "FaultStruct.FaultCode", "text": "FaultStruct.FaultString"}

// set gives the argument at a dotted path a value; what is not there is added.
func set(args []*node, path, value string) []*node {
	name, rest, deep := strings.Cut(path, ".")
	for _, n := range args {
		if n.name != name {
			continue
		}
		if deep {
			n.kids = set(n.kids, rest, value)
		} else {
			n.value = value
		}
		return args
	}
	if deep {
		return append(args, group(name, set(nil, rest, value)...))
	}
	return append(args, leaf(name, value))
}

// remove takes the argument at a dotted path away, and says whether it was there.
func remove(args []*node, path string) ([]*node, bool) {
	name, rest, deep := strings.Cut(path, ".")
	for i, n := range args {
		if n.name != name {
			continue
		}
		if deep {
			var ok bool
			n.kids, ok = remove(n.kids, rest)
			return args, ok
		}
		return append(append([]*node{}, args[:i]...), args[i+1:]...), true
	}
	return args, false
}

// findList is the list of that name, made when it isn't there.
func findList(args []*node, name, item string) (*node, []*node) {
	for _, n := range args {
		if n.name == name {
			return n, args
		}
	}
	n := list(name, item)
	return n, append(args, n)
}

// arguments is what a METHOD line says.
func (p *player) arguments(s *statement, d *device, method string) ([]*node, error) {
	args := defaults(method)
	if method == "Inform" {
		args = p.inform(d)
	}
	for _, w := range s.words[1:] {
		name := w.name
		if full, ok := aliases[name]; ok {
			name = full
		}
		switch {
		case w.array:
			n, all := findList(args, name, "xsd:string")
			args, n.kids = all, nil
			for _, v := range w.list {
				n.kids = append(n.kids, leaf("string", v))
			}
		case method == "Inform" && name == "events":
			n, all := findList(args, "Event", "cwmp:EventStruct")
			args, n.kids = all, events(w.value)
		case w.named:
			args = set(args, name, w.value)
		case strings.HasPrefix(w.text, "-"):
			var ok bool
			if args, ok = remove(args, w.text[1:]); !ok {
				return nil, s.errorf("%s has no argument %s", method, w.text[1:])
			}
		default:
			return nil, s.errorf("%q is no name=value", w.text)
		}
	}
	return p.listChanges(s, method, args)
}

// listChanges applies param, no-param and item.
func (p *player) listChanges(s *statement, method string, args []*node) ([]*node, error) {
	for i := range s.changes {
		c := &s.changes[i]
		switch c.verb {
		case "param":
			if len(c.words) < 2 || len(c.words) > 3 {
				return nil, c.errorf("param needs NAME VALUE [TYPE]")
			}
			typ := c.arg(2)
			if typ == "" {
				typ = "string"
			}
			var n *node
			n, args = findList(args, "ParameterList", "cwmp:ParameterValueStruct")
			n.kids = putParameter(n.kids, parameter(c.arg(0), c.arg(1), typ), method == "Inform")
		case "no-param":
			n, all := findList(args, "ParameterList", "cwmp:ParameterValueStruct")
			args = all
			kept := dropParameter(n.kids, c.arg(0))
			if len(kept) == len(n.kids) {
				return nil, c.errorf("there is no parameter %s", c.arg(0))
			}
			n.kids = kept
		case "item":
			if len(c.words) == 0 {
				return nil, c.errorf("item needs LIST name=value …")
			}
			n, all := findList(args, c.arg(0), "cwmp:"+c.arg(0))
			args = all
			it := group(strings.TrimPrefix(n.item, "cwmp:"))
			for _, w := range c.words[1:] {
				switch {
				case w.array:
					l := stringList(w.name, w.list...)
					it.kids = append(it.kids, l)
				case w.named:
					it.kids = set(it.kids, w.name, w.value)
				default:
					return nil, c.errorf("%q is no name=value", w.text)
				}
			}
			n.kids = append(n.kids, it)
		}
	}
	return args, nil
}

// putParameter adds a parameter; in an Inform it takes the place of a default.
func putParameter(list []*node, n *node, replace bool) []*node {
	for i, old := range list {
		if replace && old.kids[0].value == n.kids[0].value {
			list[i] = n
			return list
		}
	}
	return append(list, n)
}

func dropParameter(list []*node, name string) []*node {
	var kept []*node
	for _, n := range list {
		if n.kids[0].value != name {
			kept = append(kept, n)
		}
	}
	return kept
}

// write appends a node as XML.
func (n *node) write(b *strings.Builder, indent string) {
	b.WriteString(indent + "<" + n.name)
	if n.list {
		fmt.Fprintf(b, ` soap-enc:arrayType="%s[%d]"`, n.item, len(n.kids))
	}
	if n.xsiType != "" {
		fmt.Fprintf(b, ` xsi:type="%s"`, n.xsiType)
	}
	b.WriteByte('>')
	if len(n.kids) > 0 {
		b.WriteByte('\n')
		for _, k := range n.kids {
			k.write(b, indent+"  ")
		}
		b.WriteString(indent)
	} else {
		b.WriteString(escape(n.value))
	}
	b.WriteString("</" + n.name + ">\n")
}

// escape makes text safe in XML; characters outside of ASCII become references
// (TR-106 section 3).
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r >= 0x7f:
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
