package scenario

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"informant/capture"
)

// http is an HTTP message being made.
type http struct {
	start  string
	fields []field
	body   string
	typ    string // Content-Type of the body
	bare   bool   // neither type nor length are told
}

type field struct{ name, value string }

func (h *http) set(name, value string) {
	for i := range h.fields {
		if strings.EqualFold(h.fields[i].name, name) {
			h.fields[i].value = value
			return
		}
	}
	h.add(name, value)
}

func (h *http) add(name, value string) { h.fields = append(h.fields, field{name, value}) }

func (h *http) drop(name string) bool {
	kept := h.fields[:0:0]
	for _, f := range h.fields {
		if !strings.EqualFold(f.name, name) {
			kept = append(kept, f)
		}
	}
	dropped := len(kept) < len(h.fields)
	h.fields = kept
	return dropped
}

// bytes is the message on the wire.
func (h *http) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(h.start + "\r\n")
	for _, f := range h.fields {
		b.WriteString(f.name + ":")
		if f.value != "" {
			b.WriteString(" " + f.value)
		}
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	b.WriteString(h.body)
	return b.Bytes()
}

// message runs a statement that sends something.
func (p *player) message(s *statement) error {
	d := p.cur
	what := s.arg(0)
	if what == "" {
		return s.errorf("%s sends nothing: write empty, a status, or a method", s.verb)
	}
	if what == "raw" {
		return p.raw(s, d)
	}
	l, from := p.path(s, d, what)
	if l == nil {
		return s.errorf("%s has no connection on which to send %s", s.verb, what)
	}
	h, err := p.compose(s, d, what, from)
	if err != nil {
		return err
	}
	if err := p.finish(s, h); err != nil {
		return err
	}
	if from == capture.FromClient && l == d.main {
		d.last = &http{start: h.start, fields: append([]field{}, h.fields...), body: h.body}
	}
	if from == capture.FromServer && l == d.main {
		d.keep(h)
	}
	data, err := p.wire(s, h)
	if err != nil {
		return err
	}
	p.send(l, from, data)
	return nil
}

// path is the connection and direction that a message takes.
func (p *player) path(s *statement, d *device, what string) (*link, capture.Direction) {
	status := isStatus(what)
	switch {
	case s.verb == "files":
		return d.file, capture.FromServer
	case s.verb == "cpe" && (what == "GET" || what == "PUT"):
		if d.file == nil {
			_, port, _ := splitURL(s.arg(1))
			d.file = p.open(netip.AddrPortFrom(d.address.Addr(), d.address.Port()+1000), netip.AddrPortFrom(fileAddress, port), false)
		}
		return d.file, capture.FromClient
	case s.verb == "cpe" && status:
		return d.knock, capture.FromServer
	case s.verb == "acs" && what == "GET":
		if d.knock == nil {
			d.knock = p.openKnock(d)
		}
		return d.knock, capture.FromClient
	case s.verb == "cpe":
		return p.toACS(d), capture.FromClient
	default:
		return p.toACS(d), capture.FromServer
	}
}

func isStatus(what string) bool {
	n, err := strconv.Atoi(what)
	return err == nil && len(what) == 3 && n >= 100
}

// raw sends bytes as they are.
func (p *player) raw(s *statement, d *device) error {
	data := s.arg(1)
	if len(s.words) < 2 {
		data = strings.Join(s.block, "\r\n")
	}
	l, from := p.path(s, d, "raw")
	if l == nil {
		return s.errorf("%s has no connection", s.verb)
	}
	if len(s.changes) > 0 {
		return s.errorf("raw bytes take no changes")
	}
	p.send(l, from, []byte(data))
	return nil
}

// compose makes a message with its defaults.
func (p *player) compose(s *statement, d *device, what string, from capture.Direction) (*http, error) {
	block := strings.Join(s.block, "\n")
	switch {
	case s.verb == "cpe" && what == "resend":
		if d.last == nil {
			return nil, s.errorf("the CPE has sent nothing yet")
		}
		h := &http{start: d.last.start, fields: append([]field{}, d.last.fields...), body: d.last.body, bare: true}
		d.authorize(h)
		return h, nil
	case what == "GET" || what == "PUT":
		return p.get(s, d, what, block), nil
	case isStatus(what):
		return p.status(s, d, what, block), nil
	case what == "empty" && s.verb == "cpe":
		return d.post("", false), nil
	case what == "xml":
		return d.envelopeMessage(from, block), nil
	}
	body, err := p.envelope(s, d, what, block)
	if err != nil {
		return nil, err
	}
	if what == "Inform" {
		d.cookies, d.jar = map[string]string{}, nil
	}
	h := d.envelopeMessage(from, body)
	if what == "InformResponse" {
		h.add("Set-Cookie", "session="+strings.ToLower(d.serial)+"; Path=/")
	}
	return h, nil
}

// envelopeMessage is a POST or a 200 with that body.
func (d *device) envelopeMessage(from capture.Direction, body string) *http {
	if from == capture.FromClient {
		return d.post(body, true)
	}
	return &http{start: "HTTP/1.1 200 OK", body: body, typ: "text/xml; charset=utf-8"}
}

// post is a POST to the ACS.
func (d *device) post(body string, envelope bool) *http {
	host, _, path := splitURL(d.url)
	h := &http{start: "POST " + path + " HTTP/1.1", body: body}
	h.add("Host", host)
	d.authorize(h)
	if len(d.jar) > 0 {
		var pairs []string
		for _, name := range d.jar {
			pairs = append(pairs, name+"="+d.cookies[name])
		}
		h.add("Cookie", strings.Join(pairs, "; "))
	}
	if envelope {
		h.typ = "text/xml; charset=utf-8"
		h.add("SOAPAction", "")
	}
	return h
}

// authorize adds the credentials of the device.
func (d *device) authorize(h *http) {
	user := d.oui + "-" + d.class + "-" + d.serial
	switch d.auth {
	case "digest":
		_, _, path := splitURL(d.url)
		d.logins++
		h.set("Authorization", fmt.Sprintf(`Digest username="%s", realm="acs", nonce="%04x", uri="%s", response="0123456789abcdef0123456789abcdef", qop=auth, nc=%08x, cnonce="c%d"`, user, d.nonce(), path, d.logins, 4+d.challenges))
	case "basic":
		h.set("Authorization", "Basic ZXhhbXBsZTpleGFtcGxl")
	}
}

// nonce is that of the ACS's last challenge. Each challenge has its own.
func (d *device) nonce() int { return 0x7f21 + d.challenges }

// get is a Connection Request or a file transfer.
func (p *player) get(s *statement, d *device, method, body string) *http {
	target := s.arg(1)
	host := d.address.Addr().String() + ":7547"
	if s.verb == "cpe" {
		host, _, target = splitURL(target)
	} else if target == "" {
		target = "/cr-5d1b"
	}
	h := &http{start: method + " " + target + " HTTP/1.1", body: body, typ: "application/octet-stream"}
	h.add("Host", host)
	if method == "GET" {
		h.typ, h.bare = "", true
	}
	return h
}

// reasons of the statuses that matter here.
var reasons = map[string]string{
	"100": "Continue", "200": "OK", "202": "Accepted", "204": "No Content", "301": "Moved Permanently", "302": "Found", "303": "See Other", "307": "Temporary Redirect", "308": "Permanent Redirect",
	"400": "Bad Request", "401": "Unauthorized", "403": "Forbidden", "404": "Not Found", "500": "Internal Server Error", "503": "Service Unavailable",
}

// status is an answer without an envelope.
func (p *player) status(s *statement, d *device, status, body string) *http {
	reason, text := reasons[status], s.arg(1)
	redirect := status[0] == '3'
	if text != "" && !redirect {
		reason = text
	}
	h := &http{start: strings.TrimSpace("HTTP/1.1 " + status + " " + reason), body: body, bare: status == "204" || status[0] == '1'}
	if body != "" {
		h.typ = "text/plain"
	}
	if redirect && text != "" {
		h.add("Location", text)
	}
	if status == "401" {
		if d.challenged {
			d.challenges, d.logins = d.challenges+1, 0
		}
		d.challenged = true
		h.add("WWW-Authenticate", fmt.Sprintf(`Digest realm="acs", nonce="%04x", qop="auth"`, d.nonce()))
	}
	return h
}

// keep remembers the cookies of an answer.
func (d *device) keep(h *http) {
	for _, f := range h.fields {
		if !strings.EqualFold(f.name, "Set-Cookie") {
			continue
		}
		pair, _, _ := strings.Cut(f.value, ";")
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if _, ok := d.cookies[name]; !ok {
			d.jar = append(d.jar, name)
		}
		d.cookies[name] = value
	}
}

// finish applies the changes to body and fields.
func (p *player) finish(s *statement, h *http) error {
	if err := changeBody(s, h); err != nil {
		return err
	}
	if h.typ != "" {
		h.set("Content-Type", h.typ)
	}
	chunk := 0
	for i := range s.changes {
		c := &s.changes[i]
		switch c.verb {
		case "gzip":
			h.body = zip(h.body)
			h.add("Content-Encoding", "gzip")
		case "chunked":
			chunk = 64
			if len(c.words) > 0 {
				n, err := strconv.Atoi(c.arg(0))
				if err != nil || n < 1 {
					return c.errorf("chunked needs a size")
				}
				chunk = n
			}
		}
	}
	switch {
	case chunk > 0:
		h.drop("Content-Length")
		h.add("Transfer-Encoding", "chunked")
		h.body = cutInChunks(h.body, chunk)
	case !h.bare:
		h.add("Content-Length", strconv.Itoa(len(h.body)))
	case h.body != "":
		h.set("Content-Length", strconv.Itoa(len(h.body)))
	}
	return changeFields(s, h)
}

// changeBody applies replace and replace-all.
func changeBody(s *statement, h *http) error {
	for i := range s.changes {
		c := &s.changes[i]
		if c.verb != "replace" && c.verb != "replace-all" {
			continue
		}
		body, err := c.swap(h.body)
		if err != nil {
			return err
		}
		h.body = body
	}
	return nil
}

// swap puts word 1 in the place of word 0.
func (l *line) swap(text string) (string, error) {
	if len(l.words) != 2 {
		return "", l.errorf("%s needs two texts", l.verb)
	}
	if !strings.Contains(text, l.arg(0)) {
		return "", l.errorf("there is no %q to replace", l.arg(0))
	}
	n := 1
	if l.verb == "replace-all" {
		n = -1
	}
	return strings.Replace(text, l.arg(0), l.arg(1), n), nil
}

// changeFields applies header, add-header, no-header and line.
func changeFields(s *statement, h *http) error {
	for i := range s.changes {
		c := &s.changes[i]
		switch c.verb {
		case "header", "add-header":
			text, err := c.whole()
			if err != nil {
				return err
			}
			name, value, ok := strings.Cut(text, ":")
			if !ok {
				return c.errorf("%s needs NAME: VALUE", c.verb)
			}
			if c.verb == "header" {
				h.set(name, strings.TrimSpace(value))
			} else {
				h.add(name, strings.TrimSpace(value))
			}
		case "no-header":
			if !h.drop(c.arg(0)) {
				return c.errorf("there is no header %s", c.arg(0))
			}
		case "line":
			text, err := c.whole()
			if err != nil {
				return err
			}
			h.start = text
		case "id", "no-id", "block", "param", "no-param", "item", "sub", "replace", "replace-all", "wire", "chunked", "gzip", "truncate":
		default:
			return c.errorf("unknown change %q", c.verb)
		}
	}
	return nil
}

// wire applies what is changed on the bytes.
func (p *player) wire(s *statement, h *http) ([]byte, error) {
	data := h.bytes()
	for i := range s.changes {
		c := &s.changes[i]
		switch c.verb {
		case "wire":
			text, err := c.swap(string(data))
			if err != nil {
				return nil, err
			}
			data = []byte(text)
		case "truncate":
			n, err := strconv.Atoi(c.arg(0))
			if err != nil || n < 0 || n > len(data) {
				return nil, c.errorf("truncate needs a number of bytes, at most %d", len(data))
			}
			data = data[:n]
		}
	}
	return data, nil
}

func zip(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(body))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return body // a bytes.Buffer doesn't fail
	}
	return b.String()
}

func cutInChunks(body string, size int) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}
