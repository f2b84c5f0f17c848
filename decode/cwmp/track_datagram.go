package cwmp

import (
	"strings"

	"informant/decode/http1"
)

// udpAddress is the end of the parameter in which a CPE tells where datagrams reach it.
const udpAddress = ".ManagementServer.UDPConnectionRequestAddress"

const knownUDP = 65_536

// learnUDP notes where a device can be reached by UDP.
func (t *Tracker) learnUDP(raw string, id *DeviceID) {
	address := strings.TrimSpace(raw)
	if address == "" || len(address) > 256 || id.size() > longURL {
		return
	}
	if !strings.Contains(address, ":") {
		address += ":80"
	}
	if known, ok := t.byUDP[address]; ok && known == *id {
		return
	}
	if t.byUDP == nil || len(t.byUDP) >= knownUDP {
		t.byUDP = map[string]DeviceID{}
	}
	t.byUDP[strings.Clone(address)] = DeviceID{strings.Clone(id.Manufacturer), strings.Clone(id.OUI), strings.Clone(id.ProductClass), strings.Clone(id.SerialNumber)}
}

// datagram tells a datagram.
func (t *Tracker) datagram(e *http1.Event) {
	d := &Datagram{Conn: e.Conn, Time: e.Time, Packet: e.Packet, Text: e.Bytes}
	parseDatagram(d)
	for _, a := range []string{e.Conn.Server.String(), e.Conn.Client.String()} {
		if id, ok := t.byUDP[a]; ok {
			d.Device = id
			break
		}
	}
	t.emit(Event{Kind: DatagramSeen, Time: e.Time, Datagram: d})
}
