package cwmp

import (
	"net/url"
	"strings"
	"time"

	"informant/decode/http1"
)

// command is a Download or Upload that names a URL.
type command struct {
	commandKey, fileType, url string
	host, target              string
	older                     *command // of the same target
	device                    DeviceID
	session                   [16]byte
	at                        time.Time
	delay                     time.Duration
	size                      int64
	windows                   []Window
}

// transferBook recognises file transfers by the URLs that commands named.
type transferBook struct {
	byTarget map[string]*command // the latest; the others by command.older
	order    []*command
}

const knownCommands = 8192

// add notes a command of the ACS, as text that holds on to nothing of its message. It
// returns it, or nil where its URL is none.
func (b *transferBook) add(s *tracked, commandKey, fileType, raw string) *command {
	raw = strings.TrimSpace(raw)
	if len(raw)+len(commandKey)+len(fileType) > 2*longURL || s.Device.size() > longURL {
		return nil
	}
	text := strings.Join([]string{raw, commandKey, fileType}, " ")
	c := &command{url: text[:len(raw)], commandKey: text[len(raw)+1:][:len(commandKey)], fileType: text[len(text)-len(fileType):]}
	u, err := url.Parse(c.url)
	if err != nil || u.Host == "" {
		return nil
	}
	c.host, c.target = u.Host, u.RequestURI()
	if strings.HasSuffix(c.url, c.target) {
		c.target = c.url[len(c.url)-len(c.target):]
	}
	c.device, c.session = s.Device, s.ID
	if b.byTarget == nil {
		b.byTarget = map[string]*command{}
	}
	if len(b.order) >= knownCommands {
		b.forget(b.order[0])
		b.order = b.order[1:]
	}
	b.order = append(b.order, c)
	c.older = b.byTarget[c.target]
	b.byTarget[c.target] = c
	return c
}

// whole notes when a command came, if all of it was seen: else its delay isn't known.
func (c *command) whole(m *Message) {
	if m.HTTP != nil && m.HTTP.Complete && m.HTTP.Lost == 0 {
		c.at = m.End
	}
}

// forget lets go of the oldest command.
func (b *transferBook) forget(c *command) {
	latest := b.byTarget[c.target]
	if latest == c {
		delete(b.byTarget, c.target)
		return
	}
	for x := latest; x != nil; x = x.older {
		if x.older == c {
			x.older = nil
		}
	}
}

// begin says whether a request fetches or brings a file that a command named.
func (b *transferBook) begin(x *binding) bool {
	x.command = b.named(x.exchange.Request)
	return x.command != nil
}

// named is the latest command whose URL a request asks for.
func (b *transferBook) named(m *http1.Message) *command {
	if len(b.byTarget) == 0 || m.Method == "POST" && m.Size == 0 {
		return nil
	}
	latest := b.byTarget[targetPath(m.Target)]
	if latest == nil {
		return nil
	}
	field, _ := m.Field("Host")
	host, server := requestKey(field, ""), requestKey(addrText(m.Conn.Server), "")
	for c := latest; c != nil; c = c.older {
		if key := requestKey(c.host, ""); strings.EqualFold(key, host) || key == server {
			return c
		}
	}
	return nil
}

// targetPath is the path and query of a request's target, which may be a whole
// URL.
func targetPath(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		return u.RequestURI()
	}
	return target
}

// complete takes the answer to a transfer's request, or word that there will
// be none.
func (b *transferBook) complete(x *binding, t *Tracker) bool {
	c := x.command
	if c == nil {
		return false
	}
	x.command = nil
	req, resp := x.exchange.Request, x.exchange.Response
	f := &Transfer{Device: c.device, Exchange: x.exchange, Method: strings.ToUpper(req.Method), URL: c.url,
		CommandKey: c.commandKey, FileType: c.fileType, Session: c.session, Time: req.First, Asked: c.at, Delay: c.delay, FileSize: c.size, Windows: c.windows}
	file := req
	if f.Method == "GET" {
		file = resp
	}
	if resp != nil {
		f.Status = resp.Status
	}
	if file != nil {
		f.Bytes, f.SHA256 = file.Size, file.SHA256
	}
	t.emit(Event{Kind: Transferred, Time: f.Time, Transfer: f})
	return true
}
