package scenario

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

// begin is when every scenario begins, and step how long a message takes.
var begin = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const step = 20 * time.Millisecond

// device is who speaks, with its connections and what it remembers.
type device struct {
	name                             string
	manufacturer, oui, class, serial string
	root                             string
	address                          netip.AddrPort // the port is of its last connection
	url                              string         // of the ACS
	auth                             string
	logins                           int // answers to its last challenge
	challenges                       int // after the first
	challenged                       bool

	main, knock, file *link // to the ACS, from the ACS, to a file server
	midstream         bool  // the next main connection's beginning is not seen

	cookies map[string]string
	jar     []string // names in the order they came
	last    *http    // its last POST
	idCPE   int
	idACS   int
	asked   map[string]identity // method → the ID of its last request
	latest  identity            // of the last request
}

// identity is a cwmp:ID.
type identity struct {
	text string
	has  bool
}

// link is an open connection.
type link struct{ conn *capture.Conn }

// player makes records of statements.
type player struct {
	name      string
	now       time.Time
	records   []capture.Record
	packet    uint64
	conns     uint64
	namespace string
	devices   map[string]*device
	cur       *device
	links     []*link // open ones, in order
	cut       bool
}

func newPlayer(name string) *player {
	p := &player{name: name, now: begin, namespace: "urn:dslforum-org:cwmp-1-0", devices: map[string]*device{}}
	p.cur = p.device("")
	return p
}

// device is the device of that name, made when it is new.
func (p *player) device(name string) *device {
	if d := p.devices[name]; d != nil {
		return d
	}
	n := len(p.devices)
	d := &device{
		name: name, manufacturer: "Example", oui: "00D09E", class: "Gateway", serial: fmt.Sprintf("S%06d", 140+n), root: "InternetGatewayDevice.",
		address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(7 + n)}), 41000), url: "http://acs.example:7547/acs", auth: "digest",
		asked: map[string]identity{}, cookies: map[string]string{},
	}
	p.devices[name] = d
	return d
}

// play runs all statements.
func (p *player) play(all []*statement) error {
	for _, s := range all {
		if err := p.do(s); err != nil {
			return err
		}
	}
	for len(p.links) > 0 {
		l := p.links[0]
		if p.cut {
			p.emit(capture.Record{Conn: l.conn, Kind: capture.Close, End: capture.EndOfInput, Both: true})
			p.links = p.links[1:]
			continue
		}
		p.close(l, capture.FromClient, capture.FIN)
	}
	return nil
}

// do runs one statement.
func (p *player) do(s *statement) error {
	if p.cut {
		return s.errorf("nothing can be seen after cut")
	}
	switch s.verb {
	case "cpe", "acs", "files":
		if s.arg(0) == "datagram" {
			return p.datagram(s)
		}
		return p.message(s)
	}
	if len(s.changes) > 0 || len(s.block) > 0 {
		return s.errorf("%s takes no indented lines", s.verb)
	}
	switch s.verb {
	case "device":
		return p.setDevice(s)
	case "namespace":
		if p.namespace = s.arg(0); !strings.Contains(p.namespace, ":") {
			p.namespace = "urn:dslforum-org:" + p.namespace
		}
	case "connect":
		p.cur.main, p.cur.midstream = nil, s.arg(0) == "midstream"
		if s.arg(0) != "" && !p.cur.midstream {
			return s.errorf("connect takes nothing or midstream")
		}
	case "close", "reset":
		return p.end(s)
	case "wait":
		d, err := time.ParseDuration(s.arg(0))
		if err != nil || d < 0 {
			return s.errorf("wait needs a duration such as 31s")
		}
		p.now = p.now.Add(d)
	case "lost":
		return p.lose(s)
	case "tls":
		return p.handshake(s)
	case "refused":
		l := p.openKnock(p.cur)
		p.close(l, capture.FromServer, capture.RST)
	case "cut":
		p.cut = true
	default:
		return s.errorf("unknown statement %q", s.verb)
	}
	return nil
}

// setDevice makes or switches to a device.
func (p *player) setDevice(s *statement) error {
	words := s.words
	if len(words) > 0 && !words[0].named {
		p.cur = p.device(words[0].text)
		words = words[1:]
	}
	d := p.cur
	for _, w := range words {
		switch w.name {
		case "manufacturer":
			d.manufacturer = w.value
		case "oui":
			d.oui = w.value
		case "class":
			d.class = w.value
		case "serial":
			d.serial = w.value
		case "root":
			d.root = w.value
		case "url":
			d.url = w.value
		case "auth":
			d.auth = w.value
		case "address":
			a, err := netip.ParseAddr(w.value)
			if err != nil {
				return s.errorf("%q is no address", w.value)
			}
			d.address = netip.AddrPortFrom(a, d.address.Port())
		case "via":
			other := p.devices[w.value]
			if other == nil || other.main == nil {
				return s.errorf("there is no device %q with a connection", w.value)
			}
			d.main = other.main
		default:
			return s.errorf("a device has no %q", w.text)
		}
	}
	return nil
}

// end closes or resets the connection to the ACS.
func (p *player) end(s *statement) error {
	l := p.cur.main
	if l == nil {
		return s.errorf("no connection is open")
	}
	from, ok := side(s.arg(0))
	if !ok {
		return s.errorf("%s needs cpe or acs", s.verb)
	}
	end := capture.FIN
	if s.verb == "reset" {
		end = capture.RST
	}
	p.close(l, from, end)
	return nil
}

// side is the direction of what that party sends to the ACS or from it.
func side(party string) (capture.Direction, bool) {
	switch party {
	case "cpe":
		return capture.FromClient, true
	case "acs":
		return capture.FromServer, true
	}
	return 0, false
}

// lose leaves bytes out.
func (p *player) lose(s *statement) error {
	from, ok := side(s.arg(0))
	n, err := strconv.ParseInt(s.arg(1), 10, 64)
	if !ok || err != nil || p.cur.main == nil {
		return s.errorf("lost needs cpe or acs, a number of bytes, and an open connection")
	}
	p.emit(capture.Record{Conn: p.cur.main.conn, From: from, Kind: capture.Gap, Lost: n})
	return nil
}

// close ends a connection, from first.
func (p *player) close(l *link, from capture.Direction, end capture.End) {
	if end == capture.RST {
		p.emit(capture.Record{Conn: l.conn, From: from, Kind: capture.Close, End: end, Both: true})
	} else {
		p.emit(capture.Record{Conn: l.conn, From: from, Kind: capture.Close, End: end})
		p.emit(capture.Record{Conn: l.conn, From: from.Opposite(), Kind: capture.Close, End: end, Both: true})
	}
	for i, o := range p.links {
		if o == l {
			p.links = append(p.links[:i], p.links[i+1:]...)
			break
		}
	}
	for _, d := range p.devices {
		for _, at := range []**link{&d.main, &d.knock, &d.file} {
			if *at == l {
				*at = nil
			}
		}
	}
}

// open begins a connection.
func (p *player) open(client, server netip.AddrPort, midstream bool) *link {
	p.conns++
	c := &capture.Conn{
		ID: p.conns, Client: client, Server: server, Point: p.name, Origin: capture.Wire,
		Identity: capture.NewIdentity(capture.TCP, client, server, p.now, ""),
	}
	l := &link{c}
	p.links = append(p.links, l)
	p.emit(capture.Record{Conn: c, Kind: capture.Open, Midstream: midstream})
	return l
}

// emit adds a record at the present time.
func (p *player) emit(r capture.Record) {
	p.packet++
	r.Seq, r.Packet, r.Time = uint64(len(p.records)+1), p.packet, p.now
	p.records = append(p.records, r)
	p.now = p.now.Add(time.Millisecond)
}

// send emits the bytes of a message.
func (p *player) send(l *link, from capture.Direction, data []byte) {
	p.now = p.now.Add(step - time.Millisecond)
	p.emit(capture.Record{Conn: l.conn, From: from, Kind: capture.Data, Data: data})
}

// acsAddress is where the ACS and file servers are.
var (
	acsAddress  = netip.AddrFrom4([4]byte{198, 51, 100, 1})
	fileAddress = netip.AddrFrom4([4]byte{198, 51, 100, 9})
)

// toACS is the connection to the ACS, opened when there is none.
func (p *player) toACS(d *device) *link {
	if d.main == nil {
		d.address = netip.AddrPortFrom(d.address.Addr(), d.address.Port()+1)
		_, port, _ := splitURL(d.url)
		d.main = p.open(d.address, netip.AddrPortFrom(acsAddress, port), d.midstream)
		d.midstream = false
	}
	return d.main
}

// splitURL takes the parts of an http or https URL that matter here.
func splitURL(url string) (host string, port uint16, path string) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "", 80, url
	}
	host, path, _ = strings.Cut(rest, "/")
	port = 80
	if scheme == "https" {
		port = 443
	}
	if _, text, ok := strings.Cut(host, ":"); ok {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			port = uint16(n)
		}
	}
	return host, port, "/" + path
}
