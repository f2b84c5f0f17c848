package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"informant/capture"
)

// Forward is forward mode: the client says where it wants to be connected to, by
// CONNECT or by an absolute target (RFC 9112 sections 3.2.2 and 3.2.3).
type Forward struct {
	// Allow are the targets that may be asked for; none: all.
	Allow []Target
}

// Target is a rule of where clients may be connected to.
type Target struct {
	host   string       // in lower case; "" where prefix says which
	below  bool         // what is below host too, and not host itself
	prefix netip.Prefix // of addresses
	port   uint16       // 0: any
}

// ParseTarget reads a rule: a name, "*.example.com" for all below it, an address
// or a prefix such as 192.0.2.0/24, each with ":port" behind it or without.
func ParseTarget(text string) (Target, error) {
	bad := fmt.Errorf("%q: it takes a name, *.name, an address or a prefix, and a port behind it where only that one is meant", text)
	host, t := text, Target{}
	if h, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return t, bad
		}
		host, t.port = h, uint16(n)
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if p, err := netip.ParsePrefix(host); err == nil {
		t.prefix = p.Masked()
		return t, nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		t.prefix = netip.PrefixFrom(a, a.BitLen())
		return t, nil
	}
	t.host, t.below = strings.CutPrefix(strings.ToLower(strings.TrimSuffix(host, ".")), "*.")
	if t.host == "" || strings.ContainsAny(t.host, "*/: \t@[]?#") {
		return Target{}, bad
	}
	return t, nil
}

// named says whether a name may be asked for.
func (f *Forward) named(host string, port uint16) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, t := range f.Allow {
		if t.host == "" || t.port != 0 && t.port != port {
			continue
		}
		if t.below && strings.HasSuffix(host, "."+t.host) || !t.below && host == t.host {
			return true
		}
	}
	return len(f.Allow) == 0
}

// addressed says whether an address may be connected to.
func (f *Forward) addressed(a netip.AddrPort) bool {
	for _, t := range f.Allow {
		if t.host == "" && t.prefix.Contains(a.Addr().Unmap()) && (t.port == 0 || t.port == a.Port()) {
			return true
		}
	}
	return false
}

// asked is what a client of forward mode asked for.
type asked struct {
	target  string // "host:port"
	host    string
	port    uint16
	connect bool
	head    int // how many bytes of a CONNECT are the proxy's
}

// requestLimit is how long a CONNECT, or a request line, may be.
const requestLimit = 64 << 10

// errTarget is a request that says no target that can be connected to.
var errTarget = errors.New("it has no target of a forward proxy: CONNECT host:port, or http://host[:port]/path")

// ask reads what a client wants to be connected to.
func (r *relay) ask() (asked, error) {
	e := r.early()
	var a asked
	err := e.more(requestLimit, func(b []byte) bool {
		line, rest := firstLine(b)
		return line != nil && (!bytes.HasPrefix(line, []byte("CONNECT ")) || headEnd(b, len(b)-len(rest)) > 0)
	})
	if err != nil {
		return a, fmt.Errorf("%w, or no end: %w", errTarget, err)
	}
	line, rest := firstLine(e.early)
	words := strings.Fields(string(line))
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/") {
		return a, errTarget
	}
	a.connect = words[0] == "CONNECT"
	if a.connect {
		a.head = headEnd(e.early, len(e.early)-len(rest))
		a.target = words[1]
	} else if a.target = authorityOf(words[1]); a.target == "" {
		return a, errTarget
	}
	var port string
	if a.host, port, err = net.SplitHostPort(a.target); err != nil || a.host == "" {
		return a, errTarget
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return a, errTarget
	}
	a.port = uint16(n)
	return a, nil
}

// firstLine is the first line that is not empty, and what follows it; nil while
// its end has not come.
func firstLine(b []byte) (line, rest []byte) {
	b = bytes.TrimLeft(b, "\r\n")
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return nil, nil
	}
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// headEnd is where the head ends whose fields begin at i; 0 while it has not.
func headEnd(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		if len(bytes.TrimSuffix(b[i:i+n], []byte("\r"))) == 0 {
			return i + n + 1
		}
		i += n + 1
	}
}

// authorityOf is the "host:port" of an absolute target; "" where it is none.
func authorityOf(target string) string {
	const scheme = "http://"
	if len(target) <= len(scheme) || !strings.EqualFold(target[:len(scheme)], scheme) {
		return ""
	}
	host, _, _ := strings.Cut(target[len(scheme):], "/")
	host, _, _ = strings.Cut(host, "?")
	u, err := url.Parse(scheme + host)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// errForbidden is a target that is not on the list.
var errForbidden = errors.New("no target that clients of this proxy may ask for")

// permit is what looks at the address that is about to be connected to; nil where
// none will do.
func (r *relay) permit(a asked) func(network, address string, _ syscall.RawConn) error {
	named := r.route.Forward.named(a.host, a.port)
	self := addrPort(r.calledAt())
	if !named && !slices.ContainsFunc(r.route.Forward.Allow, func(t Target) bool { return t.host == "" }) {
		return nil // no address can make it right: it isn't even asked for
	}
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		switch {
		case err != nil:
			return err
		case netip.AddrPortFrom(to.Addr().Unmap(), to.Port()) == self:
			return fmt.Errorf("%w: it is the proxy itself", errForbidden)
		case !named && !r.route.Forward.addressed(to):
			return errForbidden
		}
		return nil
	}
}

// tunnel answers a CONNECT, whose head is kept as a remark: it is said to the
// proxy. What follows it is what is relayed.
func (r *relay) tunnel(a asked) error {
	e := r.early()
	r.remark("asked for by " + headText(e.early[:a.head]))
	e.early = e.early[a.head:]
	_, err := io.WriteString(e.Conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	return err
}

// headText is a head in one line, without credentials.
func headText(head []byte) string {
	var parts []string
	for line := range strings.Lines(string(head)) {
		line = strings.TrimRight(line, "\r\n")
		if name, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "Proxy-Authorization") {
			line = name + ": (left out)"
		}
		if line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}

// encrypted says whether what a client begins with in a tunnel is TLS.
func (r *relay) encrypted() bool {
	e := r.early()
	const handshake = 22 // RFC 8446 section 5.1
	if err := e.more(1, func(b []byte) bool { return len(b) > 0 }); err != nil {
		return false
	}
	return e.early[0] == handshake
}

// strays says whether a client that was connected because of an absolute target
// begins a request to another one. That is looked for where it says something new
// after an answer, in what was read at once.
func (r *relay) strays(b []byte) bool {
	if r.absolute == "" {
		return false
	}
	line, _ := firstLine(b)
	words := bytes.SplitN(line, []byte(" "), 3)
	if len(words) != 3 || !bytes.HasPrefix(words[2], []byte("HTTP/")) {
		return false
	}
	to := authorityOf(string(words[1]))
	return to != "" && !strings.EqualFold(to, r.absolute)
}

// leave ends a connection whose client asks for another target: it has one
// upstream connection. Clients ask again on another connection when one ends that
// they had used before.
func (r *relay) leave(b []byte) {
	line, _ := firstLine(b)
	r.remark("not passed on, and ended: a request to another target on the same connection: " + string(line))
	r.p.log().Warn("a client asked for another target on the same connection, which was ended", "client", r.conn.Client.String(), "target", r.absolute)
	r.close(capture.FromClient, capture.FIN)
	r.close(capture.FromServer, capture.FIN)
	for i := range r.sides {
		r.sides[i].conn.Close()
	}
}

// decline answers a client of forward mode that can't be connected.
func (r *relay) decline(err error) {
	status := "502 Bad Gateway"
	var timeout net.Error
	switch {
	case errors.Is(err, errForbidden):
		status = "403 Forbidden"
	case errors.Is(err, errTarget):
		status = "400 Bad Request"
	case errors.As(err, &timeout) && timeout.Timeout():
		status = "504 Gateway Timeout"
	}
	text := "informant: " + err.Error() + "\n"
	c := r.sides[capture.FromClient].conn
	_ = c.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(text), text)
	// What it still sends is read, for a while: a close would reset the answer away.
	if closeWrite(c) == nil {
		_, _ = io.CopyN(io.Discard, c, 1<<20)
	}
}
