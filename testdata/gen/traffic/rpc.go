package traffic

import (
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

// writeInform writes the Inform with the parameters that its data model forces,
// and returns how many these are.
func (d *device) writeInform(events []event) int {
	w := &d.out
	w.open(w.p.cwmp, "Inform")
	w.open("", "DeviceId")
	w.start("", "Manufacturer")
	w.b = append(w.b, '>')
	w.b = appendEscaped(w.b, d.manufacturer)
	w.endLeaf("", "Manufacturer")
	w.leaf("OUI", d.oui)
	w.start("", "ProductClass")
	w.b = append(w.b, '>')
	w.b = appendEscaped(w.b, d.class)
	w.endLeaf("", "ProductClass")
	w.leaf("SerialNumber", d.serial)
	w.end("", "DeviceId")
	w.array("Event", w.p.cwmp, "EventStruct", len(events))
	for _, e := range events {
		w.open("", "EventStruct")
		w.leaf("EventCode", e.code)
		w.leaf("CommandKey", e.key)
		w.end("", "EventStruct")
	}
	w.end("", "Event")
	w.leaf("MaxEnvelopes", "1")
	w.leaf("CurrentTime", d.g.cap.Now().UTC().Format(time.RFC3339))
	w.leaf("RetryCount", "0")

	type forced struct{ name, value string }
	list := []forced{
		{"DeviceInfo.SpecVersion", "1.0"},
		{"DeviceInfo.HardwareVersion", "A1"},
		{"DeviceInfo.SoftwareVersion", d.software},
		{"DeviceInfo.ProvisioningCode", "TLCO.GRP2"},
		{"ManagementServer.ConnectionRequestURL", "http://" + d.knock() + d.knockPath()},
		{"ManagementServer.ParameterKey", "17"},
	}
	if d.igd {
		list = append([]forced{{"DeviceSummary", "InternetGatewayDevice:1.4[](Baseline:1,EthernetLAN:1)"}}, list...)
		list = append(list, forced{"WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress", d.addr.String()})
	} else {
		list[0] = forced{"RootDataModelVersion", "2.11"}
	}
	w.array("ParameterList", w.p.cwmp, "ParameterValueStruct", len(list))
	for _, f := range list {
		d.value(w, "string", func() {
			w.b = append(w.b, d.root()...)
			w.b = append(w.b, f.name...)
		}, func() { w.b = append(w.b, f.value...) })
	}
	w.end("", "ParameterList")
	w.end(w.p.cwmp, "Inform")
	d.g.stats.Parameters += len(list)
	return len(list)
}

func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '&' {
			b = append(b, "&amp;"...)
		} else {
			b = append(b, s[i])
		}
	}
	return b
}

// value writes a ParameterValueStruct.
func (d *device) value(w *writer, typ string, name, value func()) {
	w.open("", "ParameterValueStruct")
	w.start("", "Name")
	w.b = append(w.b, '>')
	name()
	w.endLeaf("", "Name")
	w.start("", "Value")
	w.b = append(w.b, ' ')
	w.name(w.p.xsi, "type")
	w.b = append(w.b, '=', '"')
	w.name(w.p.xsd, typ)
	w.b = append(w.b, '"', '>')
	value()
	w.endLeaf("", "Value")
	w.end("", "ParameterValueStruct")
}

// getNames discovers the objects below the root, or the parameters of one.
func (d *device) getNames(object string, next bool) {
	level := "0"
	if next {
		level = "1"
	}
	d.request("GetParameterNames", func() {
		d.in.leaf("ParameterPath", d.root()+object)
		d.in.leaf("NextLevel", level)
	}, func() {
		names := d.names(object, next)
		d.out.array("ParameterList", d.out.p.cwmp, "ParameterInfoStruct", len(names))
		for _, n := range names {
			d.out.open("", "ParameterInfoStruct")
			d.out.leaf("Name", n)
			writable := len(n) & 1
			if strings.HasSuffix(n, ".PeriodicInformInterval") || strings.HasSuffix(n, "ManagementServer.Password") {
				writable = 1 // setValues sets them
			}
			d.out.leafInt("Writable", writable)
			d.out.end("", "ParameterInfoStruct")
		}
		d.out.end("", "ParameterList")
	})
}

// names is what a device has at that object: its objects, or everything in it.
func (d *device) names(object string, next bool) []string {
	root := d.root()
	if next {
		objects := []string{"DeviceInfo.", "ManagementServer.", "Time."}
		if d.igd {
			objects = append(objects, "LANDevice.", "WANDevice.", "Layer3Forwarding.", "Services.")
		} else {
			objects = append(objects, "Hosts.", "WiFi.", "NAT.", "Routing.", "Ethernet.")
		}
		for i := range objects {
			objects[i] = root + objects[i]
		}
		return objects
	}
	names := []string{root + object}
	for _, t := range common {
		if len(t.name) > len(object) && t.name[:len(object)] == object {
			names = append(names, root+t.name)
		}
	}
	return names
}

// getValues asks for n parameters from index first on, by their names, or by
// the root when all is set.
func (d *device) getValues(first, n int, all bool) {
	d.request("GetParameterValues", func() {
		w := &d.in
		asked := n
		if all {
			asked = 1
		}
		w.array("ParameterNames", w.p.xsd, "string", asked)
		for i := range asked {
			w.start("", "string")
			w.b = append(w.b, '>')
			if all {
				w.b = append(w.b, d.root()...)
			} else {
				w.b = d.appendName(w.b, first+i)
			}
			w.endLeaf("", "string")
		}
		w.end("", "ParameterNames")
	}, func() {
		w := &d.out
		w.array("ParameterList", w.p.cwmp, "ParameterValueStruct", n)
		for i := range n {
			t, _ := d.template(first + i)
			d.value(w, xsdNames[t.kind], func() { w.b = d.appendName(w.b, first+i) }, func() { w.b = appendValue(w.b, d.rnd, t.kind) })
		}
		w.end("", "ParameterList")
	})
	d.g.stats.Parameters += n
}

// setValues sets the interval of the periodic Inform and a password; fault
// makes the device refuse.
func (d *device) setValues(fault bool) {
	seconds := 300 * (1 + d.rnd.IntN(288))
	interval := d.root() + "ManagementServer.PeriodicInformInterval"
	password := d.hex(12)
	args := func() {
		w := &d.in
		w.array("ParameterList", w.p.cwmp, "ParameterValueStruct", 2)
		d.value(w, "unsignedInt", func() { w.b = append(w.b, interval...) },
			func() { w.b = strconv.AppendInt(w.b, int64(seconds), 10) })
		d.value(w, "string", func() { w.b = append(append(w.b, d.root()...), "ManagementServer.Password"...) },
			func() { w.b = append(w.b, password...) })
		w.end("", "ParameterList")
		w.leaf("ParameterKey", "17")
	}
	d.g.stats.Parameters += 2
	if !fault {
		d.request("SetParameterValues", args, func() { d.out.leaf("Status", "0") })
		return
	}
	id := d.request("SetParameterValues", args, nil)
	d.fault(id, "9003", "Invalid arguments", func() {
		w := &d.out
		w.open("", "SetParameterValuesFault")
		w.leaf("ParameterName", interval)
		w.leaf("FaultCode", "9007")
		w.leaf("FaultString", "Invalid parameter value")
		w.end("", "SetParameterValuesFault")
	})
}

// fault answers a request with a fault.
func (d *device) fault(id, code, words string, details func()) {
	w := &d.out
	d.envelope(id)
	w.open(w.p.env, "Fault")
	w.start("", "faultcode")
	w.b = append(w.b, '>')
	w.name(w.p.env, "Client")
	w.endLeaf("", "faultcode")
	w.leaf("faultstring", "CWMP fault")
	w.open("", "detail")
	w.open(w.p.cwmp, "Fault")
	w.leaf("FaultCode", code)
	w.leaf("FaultString", words)
	if details != nil {
		details()
	}
	w.end(w.p.cwmp, "Fault")
	w.end("", "detail")
	w.end(w.p.env, "Fault")
	w.finish()
	d.g.count(capture.FromClient, "Fault")
	d.post(w.b)
}

// objects adds an instance and deletes it again.
func (d *device) objects() {
	table := d.root() + "NAT.PortMapping."
	if d.igd {
		table = d.root() + "WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.PortMapping."
	}
	instance := 1000 + d.rnd.IntN(30) // none of those that the device has values of
	d.request("AddObject", func() {
		d.in.leaf("ObjectName", table)
		d.in.leaf("ParameterKey", "17")
	}, func() {
		d.out.leafInt("InstanceNumber", instance)
		d.out.leaf("Status", "0")
	})
	d.request("DeleteObject", func() {
		d.in.leaf("ObjectName", table+strconv.Itoa(instance)+".")
		d.in.leaf("ParameterKey", "17")
	}, func() { d.out.leaf("Status", "0") })
}

// download tells the device to fetch a file.
func (d *device) download(key, url string, size int) {
	d.request("Download", func() {
		w := &d.in
		w.leaf("CommandKey", key)
		w.leaf("FileType", "1 Firmware Upgrade Image")
		w.leaf("URL", url)
		w.leaf("Username", "fetch")
		w.leaf("Password", d.hex(10))
		w.leafInt("FileSize", size)
		w.leaf("TargetFileName", "")
		w.leaf("DelaySeconds", "0")
		w.leaf("SuccessURL", "")
		w.leaf("FailureURL", "")
	}, func() {
		d.out.leaf("Status", "1")
		d.out.leaf("StartTime", "0001-01-01T00:00:00Z")
		d.out.leaf("CompleteTime", "0001-01-01T00:00:00Z")
	})
}

// transferComplete tells how the download came out.
func (d *device) transferComplete(key string, began time.Time, fault bool) {
	id := d.id()
	d.respond(id, "TransferComplete", func() {
		w := &d.out
		w.leaf("CommandKey", key)
		w.open("", "FaultStruct")
		if fault {
			w.leaf("FaultCode", "9010")
			w.leaf("FaultString", "Download failure")
		} else {
			w.leaf("FaultCode", "0")
			w.leaf("FaultString", "")
		}
		w.end("", "FaultStruct")
		w.leaf("StartTime", began.UTC().Format(time.RFC3339))
		w.leaf("CompleteTime", d.g.cap.Now().UTC().Format(time.RFC3339))
	})
	d.in.envelope(id)
	d.in.open(d.in.p.cwmp, "TransferCompleteResponse")
	d.in.end(d.in.p.cwmp, "TransferCompleteResponse")
	d.in.finish()
	d.g.count(capture.FromServer, "TransferCompleteResponse")
	d.answer("200 OK", "", d.in.b)
}

// reboot ends the list of what the ACS wants.
func (d *device) reboot(key string) {
	d.request("Reboot", func() { d.in.leaf("CommandKey", key) }, func() {})
}
