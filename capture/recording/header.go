package recording

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// version is what the first line of HEAD says.
const version = "1"

const (
	maxHead = 64 << 10 // bytes of the HEAD block
	maxCmd  = 8 << 10  // bytes of one value in it
)

// Header tells where a recording comes from (FORMAT.md, 3.1). What is zero is
// left out of the file.
type Header struct {
	ID      [16]byte // drawn at random
	Created time.Time
	Tool    string // who wrote it: program and version
	Host    string
	User    string
	Command string
	Clock   string // "synchronised", "unsynchronised" or "unknown"

	// Sources is where the records come from, a line for each: "file NAME SIZE
	// sha256:HEX", "interface NAME", "listener ADDRESS".
	Sources    []string
	Dictionary Dictionary // set by the writer
	Follows    *Follows   // the file before it in a rotation
	From       []string   // what it was made of: "sealed ID", "merged ID", "split ID"
}

// Dictionary names the dictionary of a recording.
type Dictionary struct {
	ID   uint32 // 0: there is none
	Sum  [32]byte
	Name string
}

// Follows names the file before a file, and how many records there were till its
// end.
type Follows struct {
	ID  [16]byte
	Seq uint64
}

// append appends the HEAD block.
func (h *Header) append(dst []byte) []byte {
	t := []byte("recording: " + version + "\n")
	line := func(name, value string) { t = appendHeadLine(t, name, value) }
	if h.ID != [16]byte{} {
		line("id", hex.EncodeToString(h.ID[:]))
	}
	if !h.Created.IsZero() {
		line("created", h.Created.UTC().Format(time.RFC3339Nano))
	}
	line("tool", h.Tool)
	line("host", h.Host)
	line("user", h.User)
	line("command", h.Command)
	line("clock", h.Clock)
	if d := h.Dictionary; d.ID != 0 {
		line("dictionary", fmt.Sprintf("%d sha256:%x %s", d.ID, d.Sum, d.Name))
	}
	if f := h.Follows; f != nil {
		line("follows", fmt.Sprintf("%x %d", f.ID, f.Seq))
	}
	t = appendHeadList(t, "from", h.From, maxHead*3/4)
	t = appendHeadList(t, "source", h.Sources, maxHead-1024)
	return appendBlock(dst, tagHead, t)
}

// appendHeadList appends values till the text has limit bytes, and says how many
// are left out.
func appendHeadList(t []byte, name string, values []string, limit int) []byte {
	for i, v := range values {
		was := len(t)
		if t = appendHeadLine(t, name, v); len(t) > limit {
			return appendHeadLine(t[:was], name, fmt.Sprintf("and %d more", len(values)-i))
		}
	}
	return t
}

func appendHeadLine(t []byte, name, value string) []byte {
	if value == "" {
		return t
	}
	if len(value) > maxCmd {
		value = value[:maxCmd] + "…"
	}
	t = append(append(t, name...), ": "...)
	for i, part := range strings.Split(value, `"`) {
		if i > 0 {
			t = append(t, '"')
		}
		at := len(t)
		t = strconv.AppendQuote(t, part)
		t = append(t[:at], t[at+1:len(t)-1]...)
	}
	return append(t, '\n')
}

var errHead = errors.New("HEAD is malformed")

// parseHeader reads the body of a HEAD block. An error that does not wrap
// ErrVersion is damage.
func parseHeader(body []byte) (h Header, err error) {
	for n := 0; len(body) > 0; n++ {
		line, rest, ended := bytes.Cut(body, []byte("\n"))
		body = rest
		name, value, ok := strings.Cut(string(line), ": ")
		if !ok || !ended {
			return h, fmt.Errorf("%w: line %d", errHead, n+1)
		}
		if n == 0 {
			if name != "recording" {
				return h, fmt.Errorf("%w: it does not begin with its version", errHead)
			}
			if value != version {
				return h, fmt.Errorf("%w: it is of version %s, this reader knows %s", ErrVersion, clip([]byte(value)), version)
			}
			continue
		}
		if value, ok = unquote(value); !ok {
			return h, fmt.Errorf("%w: line %d", errHead, n+1)
		}
		if err := h.set(name, value); err != nil {
			return h, fmt.Errorf("%w: %s: %w", errHead, name, err)
		}
	}
	return h, nil
}

// unquote undoes the quoting of appendHeadLine.
func unquote(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var b []byte
	for len(s) > 0 {
		r, multibyte, rest, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			return "", false
		}
		if s = rest; multibyte {
			b = utf8.AppendRune(b, r)
		} else {
			b = append(b, byte(r))
		}
	}
	return string(b), true
}

// set takes over a line. Unknown names are ignored.
func (h *Header) set(name, value string) (err error) {
	switch name {
	case "id":
		h.ID, err = parseID(value)
	case "created":
		h.Created, err = time.Parse(time.RFC3339Nano, value)
	case "tool":
		h.Tool = value
	case "host":
		h.Host = value
	case "user":
		h.User = value
	case "command":
		h.Command = value
	case "clock":
		h.Clock = value
	case "source":
		h.Sources = append(h.Sources, value)
	case "from":
		h.From = append(h.From, value)
	case "dictionary":
		h.Dictionary, err = parseDictionary(value)
	case "follows":
		h.Follows, err = parseFollows(value)
	}
	return err
}

func parseID(s string) (id [16]byte, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, errNumber
	}
	return [16]byte(b), nil
}

func parseDictionary(s string) (d Dictionary, err error) {
	w := words{rest: []byte(s)}
	id := w.uint()
	sum, ok := strings.CutPrefix(w.next(), "sha256:")
	b, err := hex.DecodeString(sum)
	if w.err != nil || !ok || err != nil || len(b) != len(d.Sum) || id == 0 || id>>32 != 0 {
		return d, errNumber
	}
	return Dictionary{ID: uint32(id), Sum: [32]byte(b), Name: string(w.rest)}, nil
}

func parseFollows(s string) (*Follows, error) {
	id, seq, _ := strings.Cut(s, " ")
	f := &Follows{}
	var err error
	if f.ID, err = parseID(id); err != nil {
		return nil, err
	}
	w := words{rest: []byte(seq)}
	f.Seq = w.uint()
	return f, w.end()
}
