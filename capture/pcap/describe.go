package pcap

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"informant/capture"
)

// readable is what the errors about other formats offer.
const readable = "pcap and pcapng can be read here, plain, gzip or zstd"

func formatError(name, kind string, prefix []byte) error {
	looks := Describe(prefix)
	if kind != "" {
		looks = kind + " of " + looks
	}
	return fmt.Errorf("%s: %w: looks like %s; %s", name, capture.ErrFormat, looks, readable)
}

// known are the formats that people hand to a reader of captures by mistake.
// Those that Wireshark reads are said to be captures.
var known = []struct {
	at     int
	magic  string
	called string
}{
	{0, "\x7fELF", "an ELF binary"},
	{0, "MZ", "a Windows program"},
	{0, "PK\x03\x04", "a zip archive (unpack it first)"},
	{0, "\x1f\x8b", "gzip (packed twice?)"},
	{0, "\x28\xb5\x2f\xfd", "zstd (packed twice?)"},
	{0, "BZh", "bzip2 (unpack it first)"},
	{0, "\xfd7zXZ\x00", "xz (unpack it first)"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive (unpack it first)"},
	{0, "\x04\x22\x4d\x18", "lz4 (unpack it first)"},
	{257, "ustar", "a tar archive (unpack it first)"},
	{0, "snoop\x00\x00\x00", "a snoop capture (editcap -F pcapng turns it into one that can be read)"},
	{0, "GMBU", "a Network Monitor capture (editcap -F pcapng turns it into one that can be read)"},
	{0, "RTSS", "a Network Monitor capture (editcap -F pcapng turns it into one that can be read)"},
	{0, "\x1f\x9d", "compress (unpack it first)"},
	{0, "SQLite format 3\x00", "an SQLite database"},
	{0, "%PDF", "a PDF"},
	{0, "\x89PNG", "a PNG picture"},
	{0, "\xff\xd8\xff", "a JPEG picture"},
}

// Describe says in a few words what a file that begins with prefix looks like.
// It is meant for errors.
func Describe(prefix []byte) string {
	for _, k := range known {
		if len(prefix) >= k.at && bytes.HasPrefix(prefix[k.at:], []byte(k.magic)) {
			return k.called
		}
	}
	switch {
	case len(prefix) == 0:
		return "nothing"
	case Sniff(prefix):
		return "a capture"
	case len(bytes.Trim(prefix, "\x00")) == 0:
		return "zeros"
	case isText(prefix):
		return textKind(prefix)
	}
	return fmt.Sprintf("binary data that begins with % x", prefix[:min(8, len(prefix))])
}

func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(b) // cut by the end of the prefix
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != 0x1b {
			return false
		}
		b = b[n:]
	}
	return true
}

func textKind(b []byte) string {
	t := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(t, []byte("<")):
		return "XML or HTML text"
	case bytes.HasPrefix(t, []byte("{")), bytes.HasPrefix(t, []byte("[")):
		return "JSON text"
	case bytes.HasPrefix(t, []byte("HTTP/")), startsLikeRequest(t):
		return "a text of HTTP messages"
	}
	return "text"
}
