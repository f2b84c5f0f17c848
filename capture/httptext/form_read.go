package httptext

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

// isForm says whether a text is in the text form, of whatever version.
func isForm(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte("informant records ")) }

// form reads the text form.
type form struct {
	name    string
	text    []byte
	at      int
	line    int // of at, counted from 1
	conns   map[uint64]*capture.Conn
	records []capture.Record
	last    int    // where the records of the last part with bytes begin
	grows   bool   // more and pieces belong to it
	own     bool   // its bytes are a copy
	edited  bool   // they were written by hand (bytes=auto)
	seq     uint64 // of the record before
	errs    []error
	wrong   int
}

// maxWrong is how many errors are told one by one.
const maxWrong = 20

// readForm makes records of a text. The error wraps capture.ErrFormat where it
// is of another version (then there are no records), else capture.ErrDamaged: it
// names the parts that could not be read, and the records are all others.
func readForm(name string, text []byte) ([]capture.Record, error) {
	first := strings.TrimRight(string(text[:lineEnd(text, 0)]), "\r\n")
	if first != formMagic {
		return nil, fmt.Errorf("%s: %w: %.100q: this program reads %q", name, capture.ErrFormat, first, formMagic)
	}
	f := &form{name: name, text: text, line: 1, conns: map[uint64]*capture.Conn{}, last: -1}
	f.skip(nextMarker(text, 0))
	for f.at < len(f.text) {
		f.part()
	}
	slices.SortStableFunc(f.records, func(a, b capture.Record) int {
		switch {
		case a.Seq < b.Seq:
			return -1
		case a.Seq > b.Seq:
			return 1
		}
		return 0
	})
	seq := uint64(0)
	for i := range f.records {
		seq = max(f.records[i].Seq, seq+1)
		f.records[i].Seq = seq
	}
	if more := f.wrong - len(f.errs); more > 0 {
		f.errs = append(f.errs, fmt.Errorf("%s: %w: and %d more", name, capture.ErrDamaged, more))
	}
	return f.records, errors.Join(f.errs...)
}

// skip goes on at a place further on.
func (f *form) skip(to int) {
	f.line += bytes.Count(f.text[f.at:to], []byte("\n"))
	f.at = to
}

func (f *form) fail(line int, format string, args ...any) {
	if f.wrong++; f.wrong <= maxWrong {
		f.errs = append(f.errs, fmt.Errorf("%s:%d: %w: %s", f.name, line, capture.ErrDamaged, fmt.Sprintf(format, args...)))
	}
}

// formPart is the line that begins a part, taken apart.
type formPart struct {
	line   int
	words  []string          // without =, in order
	facts  map[string]string // name=value
	begins int               // where its content begins
}

// has takes a word away and says whether it was there.
func (p *formPart) has(word string) bool {
	i := slices.Index(p.words, word)
	if i >= 0 {
		p.words = slices.Delete(p.words, i, i+1)
	}
	return i >= 0
}

// part reads the part that begins at f.at.
func (f *form) part() {
	end := lineEnd(f.text, f.at)
	line := strings.TrimRight(string(f.text[f.at:end]), "\r\n")
	p := &formPart{line: f.line, facts: map[string]string{}, begins: end}
	for _, w := range strings.Fields(line[3 : len(line)-3]) {
		if name, value, ok := strings.Cut(w, "="); ok {
			p.facts[name] = value
		} else {
			p.words = append(p.words, w)
		}
	}
	f.skip(end)
	switch {
	case len(p.words) == 0:
		f.skip(nextMarker(f.text, f.at))
		f.fail(p.line, "a part that does not say what it is")
	case p.words[0] == "connection":
		f.connection(p)
	case p.words[0] == "more" || p.words[0] == "pieces":
		f.further(p)
	default:
		f.record(p)
	}
}

// content takes the bytes of a part. Where it says how many, and that leads to
// where a part begins, it is these; else all up to the next part.
func (f *form) content(p *formPart) []byte {
	packed := p.has("base64")
	size, told := -1, false
	if s, ok := p.facts["bytes"]; ok && s != "auto" {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			f.fail(p.line, "bytes=%.40s is no number of bytes", s)
		} else {
			size, told = int(n), true
		}
	}
	if told && !packed {
		if next, ok := f.ends(size); ok {
			data := f.text[f.at : f.at+size : f.at+size]
			f.skip(next)
			return data
		}
	}
	to := nextMarker(f.text, f.at)
	data := f.text[f.at:to:to]
	f.skip(to)
	if p.facts["bytes"] == "auto" {
		return fitted(data)
	}
	if packed {
		raw, err := unpack(data)
		if err != nil {
			f.fail(p.line, "%v; what stands before that is taken", err)
		}
		data = raw
	}
	if told && len(data) != size {
		f.fail(p.line, "the part says %d bytes and has %d, which are taken", size, len(data))
	}
	return data
}

// fitted is an HTTP message that was written by hand, as it goes over the wire: lines
// of its head end with CRLF, and its Content-Length is that of what follows. What has
// no head is left as it is, but for the line end before the next part.
func fitted(data []byte) []byte {
	data = bytes.TrimSuffix(data, []byte("\n"))
	lines := bytes.SplitAfter(data, []byte("\n"))
	var head []byte
	length := -1 // where its line begins
	for i, line := range lines {
		line = bytes.TrimRight(line, "\r\n")
		switch name, _, ok := bytes.Cut(line, []byte(":")); {
		case len(line) == 0 && i > 0:
			body := bytes.Join(lines[i+1:], nil)
			if length >= 0 {
				line, rest, _ := bytes.Cut(head[length:], []byte("\r\n"))
				name, _, _ := bytes.Cut(line, []byte(":"))
				head = slices.Concat(head[:length], name, fmt.Appendf(nil, ": %d\r\n", len(body)), rest)
			}
			return slices.Concat(head, []byte("\r\n"), body)
		case ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("Content-Length")):
			length = len(head)
		}
		head = append(append(head, line...), '\r', '\n')
	}
	return data
}

// ends says whether a part of size bytes leads to the next one, and where that
// is: at once, or behind a line end that isn't part of it.
func (f *form) ends(size int) (next int, ok bool) {
	end := f.at + size
	if end > len(f.text) {
		return 0, false
	}
	begins := func(at int) bool { return at == len(f.text) || isMarker(f.text[at:]) }
	if size == 0 || f.text[end-1] == '\n' {
		return end, begins(end)
	}
	if end < len(f.text) && f.text[end] == '\n' {
		return end + 1, begins(end + 1)
	}
	return end, end == len(f.text)
}

// unpack undoes base64, of lines.
func unpack(data []byte) ([]byte, error) {
	var raw []byte
	for n := 0; len(data) > 0; n++ {
		line := data[:lineEnd(data, 0)]
		data = data[len(line):]
		var err error
		if raw, err = base64.StdEncoding.AppendDecode(raw, bytes.TrimSpace(line)); err != nil {
			return raw, fmt.Errorf("line %d of it is no base64", n+1)
		}
	}
	return raw, nil
}

// connection reads the description of a connection.
func (f *form) connection(p *formPart) {
	data := f.content(p)
	c, err := parseConn(p, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"))
	if err != nil {
		f.fail(p.line, "%v", err)
		return
	}
	if old := f.conns[c.ID]; old == nil || *old != *c {
		f.conns[c.ID] = c
	}
}

func parseConn(p *formPart, lines []string) (*capture.Conn, error) {
	if len(p.words) != 2 || len(lines) < 2 {
		return nil, errors.New(`a connection has a number, a line "tcp CLIENT SERVER" and a line "wire IDENTITY POINT"`)
	}
	id, err := strconv.ParseUint(p.words[1], 10, 64)
	if err != nil || id == 0 {
		return nil, fmt.Errorf("%.40q is no number of a connection", p.words[1])
	}
	c := &capture.Conn{ID: id}
	ends := strings.Fields(lines[0])
	if len(ends) != 3 || ends[0] != "tcp" && ends[0] != "udp" {
		return nil, fmt.Errorf("%.100q is not tcp or udp, and two addresses", lines[0])
	}
	if ends[0] == "udp" {
		c.Network = capture.UDP
	}
	for i, to := range []*netip.AddrPort{&c.Client, &c.Server} {
		if ends[i+1] == "-" {
			continue
		}
		if *to, err = netip.ParseAddrPort(ends[i+1]); err != nil {
			return nil, fmt.Errorf("%.100q is no address with a port", ends[i+1])
		}
	}
	rest := strings.SplitN(strings.TrimRight(lines[1], "\r"), " ", 3)
	if len(rest) != 3 || rest[0] != "wire" && rest[0] != "made" {
		return nil, fmt.Errorf("%.100q is not wire or made, an identity and a point", lines[1])
	}
	if rest[0] == "made" {
		c.Origin = capture.Synthesised
	}
	b, err := hex.DecodeString(rest[1])
	if err != nil || len(b) != len(c.Identity) {
		return nil, fmt.Errorf("%.100q is no identity", rest[1])
	}
	c.Identity = [16]byte(b)
	if c.Point, err = strconv.Unquote(strings.TrimSpace(rest[2])); err != nil {
		return nil, fmt.Errorf("%.100q is no quoted text", rest[2])
	}
	return c, nil
}

// record reads a part that is a record.
func (f *form) record(p *formPart) {
	f.grows, f.edited = false, p.facts["bytes"] == "auto"
	r := capture.Record{Seq: f.seq + 1}
	if n, err := strconv.ParseUint(p.words[0], 10, 63); err == nil {
		r.Seq, p.words = n, p.words[1:]
	}
	if err := f.describe(p, &r); err != nil {
		f.skip(nextMarker(f.text, f.at))
		f.fail(p.line, "%v", err)
		return
	}
	f.seq = r.Seq
	switch data := f.content(p); r.Kind {
	case capture.Data, capture.Cipher:
		r.Data = data
		f.last, f.grows, f.own = len(f.records), true, false
	case capture.Remark:
		r.Text = string(data)
	case capture.Handshake:
		t, err := capture.ParseTLS(string(data))
		if err != nil {
			f.fail(p.line, "%v", err)
			return
		}
		r.TLS = t
	}
	f.records = append(f.records, r)
}

// describe reads what the line of a record says, but for its number of bytes.
func (f *form) describe(p *formPart, r *capture.Record) (err error) {
	if len(p.words) == 0 {
		return errors.New("a part that does not say what it is")
	}
	kind := p.words[0]
	p.words = p.words[1:]
	switch kind {
	case "client", "server":
		r.Kind = capture.Data
		if p.has("cipher") {
			r.Kind = capture.Cipher
		}
		if kind == "server" {
			r.From = capture.FromServer
		}
	case "open":
		r.Kind, r.Midstream = capture.Open, p.has("midstream")
	case "gap":
		r.Kind = capture.Gap
		r.Lost, err = number(p.facts["lost"])
	case "remark":
		r.Kind = capture.Remark
	case "handshake":
		r.Kind = capture.Handshake
	case "close":
		r.Kind, r.Both = capture.Close, p.has("both")
		end := slices.Index(endWords[:], p.facts["end"])
		if end < 0 {
			return fmt.Errorf("end=%.40s is none of %s", p.facts["end"], strings.Join(endWords[:], ", "))
		}
		r.End = capture.End(end)
	default:
		return fmt.Errorf("%.40q is no kind of record", kind)
	}
	if err != nil {
		return fmt.Errorf("lost=%.40s is no number of bytes", p.facts["lost"])
	}
	if r.Kind == capture.Gap || r.Kind == capture.Remark || r.Kind == capture.Handshake || r.Kind == capture.Close {
		switch {
		case p.has("server"):
			r.From = capture.FromServer
		case !p.has("client"):
			return errors.New("it says neither client nor server")
		}
	}
	return f.common(p, r)
}

// number is a number that may be unknown.
func number(s string) (int64, error) {
	if s == "-" {
		return -1, nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// common reads what all records have.
func (f *form) common(p *formPart, r *capture.Record) error {
	id, err := strconv.ParseUint(p.facts["connection"], 10, 64)
	if err != nil || f.conns[id] == nil {
		return fmt.Errorf("connection=%.40s is not described before", p.facts["connection"])
	}
	r.Conn = f.conns[id]
	if s, ok := p.facts["time"]; ok {
		if r.Time, err = parseTime(s); err != nil {
			return err
		}
	}
	if s, ok := p.facts["packet"]; ok {
		if r.Packet, err = strconv.ParseUint(s, 10, 64); err != nil {
			return fmt.Errorf("packet=%.40s is no number of a packet", s)
		}
	}
	return nil
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("time %.60q is none of RFC 3339", s)
	}
	return t.UTC(), nil
}

// further reads what belongs to the part before: more bytes of it, or the
// records that it is made of.
func (f *form) further(p *formPart) {
	data := f.content(p)
	switch {
	case !f.grows:
		f.fail(p.line, "%s does not follow on bytes of client or server", p.words[0])
	case p.words[0] == "more":
		whole := &f.records[f.last]
		if !f.own {
			whole.Data, f.own = append([]byte(nil), whole.Data...), true
		}
		whole.Data = append(whole.Data, data...)
	case f.edited: // they were of what it was before
		f.grows = false
	default:
		f.grows = false
		if err := f.pieces(string(data)); err != nil {
			f.fail(p.line, "%v", err)
		}
	}
}

// pieces makes the last record several. Bytes that no piece has go to the last.
func (f *form) pieces(table string) error {
	whole := f.records[f.last]
	list := make([]capture.Record, 0, strings.Count(table, "\n"))
	rest := whole.Data
	for line := range strings.Lines(table) {
		r, n, err := parsePiece(strings.Fields(line))
		if err != nil {
			return err
		}
		if n > len(rest) {
			return fmt.Errorf("the pieces have more bytes than the part, which has %d; it is taken as one", len(whole.Data))
		}
		r.Conn, r.From, r.Kind = whole.Conn, whole.From, whole.Kind
		r.Data, rest = rest[:n:n], rest[n:]
		list = append(list, r)
	}
	if len(list) == 0 || len(rest) > 0 {
		return fmt.Errorf("the pieces have %d bytes less than the part, which has %d; it is taken as one", len(rest), len(whole.Data))
	}
	f.records = append(f.records[:f.last], list...)
	f.seq = list[len(list)-1].Seq
	return nil
}

func parsePiece(words []string) (r capture.Record, n int, err error) {
	if len(words) != 4 {
		return r, 0, errors.New("a piece is a line of four words: number, time, packet, bytes")
	}
	if r.Seq, err = strconv.ParseUint(words[0], 10, 63); err != nil {
		return r, 0, fmt.Errorf("%.40q is no number of a record", words[0])
	}
	if words[1] != "-" {
		if r.Time, err = parseTime(words[1]); err != nil {
			return r, 0, err
		}
	}
	if words[2] != "-" {
		if r.Packet, err = strconv.ParseUint(words[2], 10, 64); err != nil {
			return r, 0, fmt.Errorf("%.40q is no number of a packet", words[2])
		}
	}
	size, err := strconv.ParseUint(words[3], 10, 31)
	if err != nil {
		return r, 0, fmt.Errorf("%.40q is no number of bytes", words[3])
	}
	return r, int(size), nil
}
