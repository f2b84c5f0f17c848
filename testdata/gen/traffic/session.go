package traffic

import (
	"math/rand/v2"
	"net/netip"
	"strconv"

	"informant/capture"
)

// device is one CPE, with what it has to do.
type device struct {
	*vendor
	g      *generator
	rnd    *rand.Rand
	serial string
	addr   netip.Addr
	port   uint16
	ids    int

	acs   *server
	conn  *Conn
	to    netip.AddrPort
	out   writer // what the device writes
	in    writer // what its ACS writes
	wire  []byte
	extra string // header fields of the device: cookie, authorization
	asked int    // requests of the ACS in this session
	nc    int
	token string
}

// event is an EventStruct.
type event struct{ code, key string }

func (d *device) id() string {
	d.ids++
	return strconv.Itoa(d.ids)
}

func (d *device) acsID() string {
	d.asked++
	return "a" + d.token + strconv.Itoa(d.asked)
}

func (d *device) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[d.rnd.IntN(16)]
	}
	return string(b)
}

// connect opens the connection to the ACS where there is none.
func (d *device) connect() {
	if d.conn == nil {
		d.port++
		d.conn = d.g.open(netip.AddrPortFrom(d.addr, d.port), d.to)
	}
}

func (d *device) disconnect() {
	if d.conn != nil {
		d.conn.Close(capture.FromClient)
		d.conn = nil
	}
}

// inform begins a session: the Inform, authenticated where the vendor does.
func (d *device) inform(events ...event) {
	d.asked, d.nc, d.extra, d.token = 0, 0, "", d.hex(10)
	d.g.stats.Sessions++
	id := d.id()
	d.envelope(id)
	n := d.writeInform(events)
	d.out.finish()
	d.g.count(capture.FromClient, "Inform")
	d.post(d.out.b)
	if d.auth != "" {
		d.challenge()
		d.authorize()
		d.g.count(capture.FromClient, "Inform")
		d.g.stats.Parameters += n
		d.post(d.out.b)
	}
	cookie := d.acs.cookie + "=" + d.hex(16)
	d.in.envelope(id)
	d.in.open(d.in.p.cwmp, "InformResponse")
	d.in.leaf("MaxEnvelopes", "1")
	d.in.end(d.in.p.cwmp, "InformResponse")
	d.in.finish()
	d.g.count(capture.FromServer, "InformResponse")
	d.answer("200 OK", "Set-Cookie: "+cookie+"; Path=/\r\n", d.in.b)
	d.extra += d.field("Cookie", cookie)
}

// field is a header field in the device's way of writing.
func (d *device) field(name, value string) string {
	if d.lower {
		b := []byte(name)
		for i, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[i] = c + 32
			}
		}
		return string(b) + ": " + value + "\r\n"
	}
	return name + ": " + value + "\r\n"
}

func (d *device) envelope(id string) { d.out.envelope(id) }

// post sends what the device says, nothing included.
func (d *device) post(body []byte) {
	d.connect()
	d.g.stats.Methods["POST"]++
	b := append(d.wire[:0], "POST /acs HTTP/1.1\r\n"...)
	b = append(b, d.field("Host", "acs.example:7547")...)
	b = append(b, d.field("User-Agent", d.agent)...)
	if len(body) > 0 {
		b = append(b, d.field("Content-Type", `text/xml; charset="utf-8"`)...)
		b = append(b, d.field("SOAPAction", `""`)...)
	}
	b = append(b, d.extra...)
	if d.chunked && len(body) > 0 {
		b = append(b, "Transfer-Encoding: chunked\r\n\r\n"...)
		b = appendChunks(b, body, 4096)
	} else {
		b = append(b, d.field("Content-Length", strconv.Itoa(len(body)))...)
		b = append(b, "\r\n"...)
		b = append(b, body...)
	}
	d.wire = b
	d.conn.Send(capture.FromClient, b)
}

// answer sends what the ACS says.
func (d *device) answer(status, fields string, body []byte) {
	code, _ := strconv.Atoi(status[:3])
	d.g.stats.Statuses[code]++
	b := append(d.wire[:0], "HTTP/1.1 "...)
	b = append(b, status...)
	b = append(b, "\r\nServer: "...)
	b = append(b, d.acs.name...)
	b = append(b, "\r\n"...)
	b = append(b, fields...)
	if d.reconnect {
		b = append(b, "Connection: close\r\n"...)
	}
	switch {
	case len(body) > 0 && d.acs.chunked:
		b = append(b, "Content-Type: text/xml;charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n"...)
		b = appendChunks(b, body, 8192)
	case len(body) > 0:
		b = append(b, "Content-Type: text/xml; charset=utf-8\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n\r\n"...)
		b = append(b, body...)
	case code == 204:
		b = append(b, "\r\n"...)
	default:
		b = append(b, "Content-Length: 0\r\n\r\n"...)
	}
	d.wire = b
	d.conn.Send(capture.FromServer, b)
	if d.reconnect {
		d.conn.Close(capture.FromServer)
		d.conn = nil
	}
}

// challenge is the ACS asking who is there.
func (d *device) challenge() {
	how := `Basic realm="acs"`
	if d.auth == "Digest" {
		how = `Digest realm="acs", qop="auth", nonce="` + d.hex(32) + `"`
	}
	d.answer("401 Unauthorized", "WWW-Authenticate: "+how+"\r\n", nil)
}

func (d *device) authorize() {
	how := "Basic Z3Jhbml0ZTpzZWNyZXQ="
	if d.auth == "Digest" {
		d.nc++
		how = `Digest username="` + d.oui + "-" + d.serial + `", realm="acs", nonce="` + d.hex(32) + `", uri="/acs", qop=auth, nc=0000000` +
			strconv.Itoa(d.nc) + `, cnonce="` + d.hex(8) + `", response="` + d.hex(32) + `"`
	}
	d.extra = d.field("Authorization", how)
}

// request sends a request of the ACS, written by args, and the device's
// response, written by result; a nil result leaves the answer to the caller.
func (d *device) request(rpc string, args, result func()) (id string) {
	id = d.acsID()
	d.in.envelope(id)
	d.in.open(d.in.p.cwmp, rpc)
	args()
	d.in.end(d.in.p.cwmp, rpc)
	d.in.finish()
	d.g.count(capture.FromServer, rpc)
	d.answer("200 OK", "", d.in.b)
	if result != nil {
		d.respond(id, rpc+"Response", result)
	}
	return id
}

// respond sends the device's response to the request of that id.
func (d *device) respond(id, rpc string, result func()) {
	d.envelope(id)
	d.out.open(d.out.p.cwmp, rpc)
	result()
	d.out.end(d.out.p.cwmp, rpc)
	d.out.finish()
	d.g.count(capture.FromClient, rpc)
	d.post(d.out.b)
}

// end is the ACS having nothing more to say.
func (d *device) end() {
	if d.acs.end204 {
		d.answer("204 No Content", "", nil)
	} else {
		d.answer("200 OK", "", nil)
	}
	d.disconnect()
}

func appendChunks(b, body []byte, size int) []byte {
	for len(body) > 0 {
		n := min(size, len(body))
		b = strconv.AppendInt(b, int64(n), 16)
		b = append(b, "\r\n"...)
		b = append(b, body[:n]...)
		b = append(b, "\r\n"...)
		body = body[n:]
	}
	return append(b, "0\r\n\r\n"...)
}
