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
	device                    DeviceID
	session                   [16]byte
	at                        time.Time
}

// transferBook recognises file transfers by the URLs that commands named.
type transferBook struct {
	byTarget map[string][]*command
	order    []*command
	binds    map[*binding]*command
}

const knownCommands = 8192

// add notes a command of the ACS.
func (b *transferBook) add(s *tracked, c command) {
	c.url = strings.Clone(strings.TrimSpace(c.url))
	u, err := url.Parse(c.url)
	if err != nil || u.Host == "" || len(c.url)+len(c.commandKey)+len(c.fileType) > 2*longURL {
		return
	}
	c.commandKey, c.fileType = strings.Clone(c.commandKey), strings.Clone(c.fileType)
	c.host, c.target = u.Host, u.RequestURI()
	c.device, c.session, c.at = s.Device, s.ID, s.last
	if b.byTarget == nil {
		b.byTarget = map[string][]*command{}
		b.binds = map[*binding]*command{}
	}
	if len(b.order) >= knownCommands {
		b.forget(b.order[0])
		b.order = b.order[1:]
	}
	b.order = append(b.order, &c)
	b.byTarget[c.target] = append(b.byTarget[c.target], &c)
}

func (b *transferBook) forget(c *command) {
	list := b.byTarget[c.target]
	for i, x := range list {
		if x == c {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(b.byTarget, c.target)
		return
	}
	b.byTarget[c.target] = list
}

// begin says whether a request fetches or brings a file that a command named.
func (b *transferBook) begin(x *binding) bool {
	c := b.named(x.exchange.Request)
	if c != nil {
		b.binds[x] = c
	}
	return c != nil
}

// named is the latest command whose URL a request asks for.
func (b *transferBook) named(m *http1.Message) *command {
	if len(b.byTarget) == 0 || m.Method == "POST" && m.Size == 0 {
		return nil
	}
	list := b.byTarget[targetPath(m.Target)]
	if len(list) == 0 {
		return nil
	}
	host, _ := m.Field("Host")
	for i := len(list) - 1; i >= 0; i-- {
		c := list[i]
		if strings.EqualFold(requestKey(c.host, ""), requestKey(host, "")) || requestKey(c.host, "") == requestKey(addrText(m.Conn.Server), "") {
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
	c := b.binds[x]
	if c == nil {
		return false
	}
	delete(b.binds, x)
	req, resp := x.exchange.Request, x.exchange.Response
	f := &Transfer{Device: c.device, Exchange: x.exchange, Method: strings.ToUpper(req.Method), URL: c.url,
		CommandKey: c.commandKey, FileType: c.fileType, Session: c.session, Time: req.First}
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
