package http1

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"testing"

	"informant/capture"
)

func packed(t *testing.T, text string, open func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := open(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.String()
}

func TestCodings(t *testing.T) {
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	zl := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	fl := func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f }
	zeros := strings.Repeat("0", 3<<20)
	for _, tt := range []struct {
		coding, wire, want string
		bad                bool
	}{
		{"gzip", packed(t, envelope, gz), envelope, false},
		{"X-GZIP", packed(t, envelope, gz), envelope, false},
		{"gzip", packed(t, "one", gz) + packed(t, "two", gz), "onetwo", false},
		{"deflate", packed(t, envelope, zl), envelope, false},
		{"deflate", packed(t, envelope, fl), envelope, false},
		{"deflate, gzip", packed(t, packed(t, envelope, zl), gz), envelope, false},
		{"gzip", "no gzip", "no gzip", true},
		{"br", "brotli", "brotli", true},
		{"gzip", packed(t, zeros, gz), packed(t, zeros, gz), true}, // over the limit
		{"gzip", packed(t, envelope, gz)[:20], packed(t, envelope, gz)[:20], true},
	} {
		a := &Assembler{Limits: Limits{Body: 1 << 20}}
		parts := []said{c2s(fmt.Sprintf("POST / HTTP/1.1\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", tt.coding, len(tt.wire), tt.wire))}
		es := playOn(a, &capture.Conn{ID: 1}, false, parts, nil)
		m := messages(es)[0]
		if m.Body != tt.want || m.HasQuirk(BadCoding) != tt.bad || m.Coding != strings.ToLower(tt.coding) || m.Size != int64(len(tt.wire)) {
			t.Errorf("%s: %.80q, %+v", tt.coding, m.Body, m.Quirks)
		}
		if _, ok := m.RawOffset(0); ok != tt.bad {
			t.Errorf("%s: an offset is known: %v", tt.coding, ok)
		}
	}
}
