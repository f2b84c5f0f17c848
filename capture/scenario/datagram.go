package scenario

import (
	"net/netip"

	"informant/capture"
)

// datagramPort is where a device takes UDP connection requests.
const datagramPort = 50123

// datagram emits a UDP datagram, which is a connection of its own.
func (p *player) datagram(s *statement) error {
	if len(s.changes) > 0 || len(s.block) > 0 || s.arg(1) == "" {
		return s.errorf("a datagram is its bytes alone")
	}
	from, to := netip.AddrPortFrom(p.cur.address.Addr(), datagramPort), netip.AddrPortFrom(acsAddress, 3478)
	if s.verb == "acs" {
		from, to = to, from
	}
	p.now = p.now.Add(step)
	p.conns++
	c := &capture.Conn{ID: p.conns, Network: capture.UDP, Client: from, Server: to, Point: p.name, Origin: capture.Wire, Identity: capture.NewIdentity(capture.UDP, from, to, p.now, "")}
	p.emit(capture.Record{Conn: c, Kind: capture.Open})
	p.emit(capture.Record{Conn: c, Kind: capture.Data, Data: []byte(s.arg(1))})
	p.emit(capture.Record{Conn: c, Kind: capture.Close, End: capture.FIN, Both: true})
	return nil
}
