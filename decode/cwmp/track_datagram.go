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
	t.byUDP.learn(append(t.byUDP.scratch[:0], address...), id)
}

// datagram tells a datagram.
func (t *Tracker) datagram(e *http1.Event) {
	d := &Datagram{Conn: e.Conn, Time: e.Time, Packet: e.Packet, Text: e.Bytes}
	parseDatagram(d)
	for _, a := range []string{e.Conn.Server.String(), e.Conn.Client.String()} {
		if id, ok := t.byUDP.device(a); ok {
			d.Device = id
			break
		}
	}
	t.emit(Event{Kind: DatagramSeen, Time: e.Time, Datagram: d})
}
