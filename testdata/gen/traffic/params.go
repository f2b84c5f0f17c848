package traffic

import (
	"math/rand/v2"
	"strconv"
)

// kind is the type of a parameter's value.
type kind uint8

const (
	text kind = iota
	number
	signed
	flag
	date
	address
	mac
	binary64
)

var xsdNames = [...]string{"string", "unsignedInt", "int", "boolean", "dateTime", "string", "string", "base64Binary"}

// template is a parameter, with '#' where an instance number stands.
type template struct {
	name string
	kind kind
}

var common = []template{
	{"DeviceInfo.UpTime", number},
	{"DeviceInfo.Description", text},
	{"DeviceInfo.ModelName", text},
	{"DeviceInfo.FirstUseDate", date},
	{"ManagementServer.PeriodicInformEnable", flag},
	{"ManagementServer.PeriodicInformInterval", number},
	{"ManagementServer.PeriodicInformTime", date},
	{"ManagementServer.UpgradesManaged", flag},
	{"Time.CurrentLocalTime", date},
	{"Time.NTPServer1", text},
}

// igdTables and deviceTables are the large tables of TR-098 and TR-181.
var igdTables = []template{
	{"LANDevice.1.Hosts.Host.#.IPAddress", address},
	{"LANDevice.1.Hosts.Host.#.MACAddress", mac},
	{"LANDevice.1.Hosts.Host.#.HostName", text},
	{"LANDevice.1.Hosts.Host.#.LeaseTimeRemaining", signed},
	{"LANDevice.1.Hosts.Host.#.Active", flag},
	{"LANDevice.1.WLANConfiguration.#.SSID", text},
	{"LANDevice.1.WLANConfiguration.#.Channel", number},
	{"LANDevice.1.WLANConfiguration.#.TotalBytesSent", number},
	{"LANDevice.1.WLANConfiguration.1.AssociatedDevice.#.AssociatedDeviceMACAddress", mac},
	{"WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.PortMapping.#.ExternalPort", number},
	{"WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.PortMapping.#.PortMappingDescription", text},
	{"Layer3Forwarding.Forwarding.#.DestIPAddress", address},
	{"DeviceInfo.VendorLogFile.#.Name", text},
	{"Services.VoiceService.1.VoiceProfile.1.Line.#.Status", text},
}

var deviceTables = []template{
	{"Hosts.Host.#.IPAddress", address},
	{"Hosts.Host.#.PhysAddress", mac},
	{"Hosts.Host.#.HostName", text},
	{"Hosts.Host.#.Active", flag},
	{"Hosts.Host.#.LeaseTimeRemaining", signed},
	{"WiFi.AccessPoint.1.AssociatedDevice.#.SignalStrength", signed},
	{"WiFi.SSID.#.Stats.BytesReceived", number},
	{"WiFi.SSID.#.SSID", text},
	{"NAT.PortMapping.#.InternalPort", number},
	{"NAT.PortMapping.#.Description", text},
	{"Routing.Router.1.IPv4Forwarding.#.GatewayIPAddress", address},
	{"Ethernet.Interface.#.LastChange", number},
	{"DeviceInfo.VendorLogFile.#.LastModified", date},
	{"DeviceInfo.X_VENDOR_Certificate.#.Body", binary64},
}

// template says which parameter a device has at index i of its data model.
func (d *device) template(i int) (t template, instance int) {
	if i < len(common) {
		return common[i], 0
	}
	i -= len(common)
	tables := deviceTables
	if d.igd {
		tables = igdTables
	}
	return tables[i%len(tables)], i/len(tables) + 1
}

func (d *device) root() string {
	if d.igd {
		return "InternetGatewayDevice."
	}
	return "Device."
}

// appendName appends the full name of parameter i.
func (d *device) appendName(b []byte, i int) []byte {
	t, n := d.template(i)
	b = append(b, d.root()...)
	for j := 0; j < len(t.name); j++ {
		if t.name[j] == '#' {
			b = strconv.AppendInt(b, int64(n), 10)
		} else {
			b = append(b, t.name[j])
		}
	}
	return b
}

var words = []string{
	"kitchen", "office tv", "guest &amp; friends", "R2-D2", "móðir", "printer", "living-room", "Ünit 7", "lab", "nas",
	"pool.ntp.example", "camera &lt;2&gt;", "Up", "Enabled", "tablet of Zoë", "switch", "老房子", "thermostat",
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// appendValue appends a value of that kind, escaped for XML.
func appendValue(b []byte, r *rand.Rand, k kind) []byte {
	switch k {
	case number:
		return strconv.AppendUint(b, uint64(r.Uint32N(1<<r.Uint32N(31))), 10)
	case signed:
		return strconv.AppendInt(b, int64(r.Int32N(4000))-2000, 10)
	case flag:
		return strconv.AppendUint(b, uint64(r.Uint32N(2)), 10)
	case date:
		b = append(b, "2026-0"...)
		b = strconv.AppendInt(b, 1+r.Int64N(9), 10)
		b = append(b, "-1"...)
		b = strconv.AppendInt(b, r.Int64N(10), 10)
		b = append(b, "T1"...)
		b = strconv.AppendInt(b, r.Int64N(10), 10)
		return append(b, ":00:07Z"...)
	case address:
		b = append(b, "192.168."...)
		b = strconv.AppendInt(b, r.Int64N(256), 10)
		b = append(b, '.')
		return strconv.AppendInt(b, r.Int64N(256), 10)
	case mac:
		const hex = "0123456789abcdef"
		for i := range 6 {
			if i > 0 {
				b = append(b, ':')
			}
			n := r.Uint32N(256)
			b = append(b, hex[n>>4], hex[n&15])
		}
		return b
	case binary64:
		for range 4 * (8 + r.IntN(40)) {
			b = append(b, base64Digits[r.IntN(64)])
		}
		return b
	}
	b = append(b, words[r.IntN(len(words))]...)
	if r.IntN(2) == 0 {
		b = append(b, ' ')
		b = strconv.AppendInt(b, r.Int64N(1000), 10)
	}
	return b
}
