package http1

import (
	"slices"
	"testing"

	"informant/capture"
)

// TestOdd reads odd messages that devices and servers are known to send, as a
// person would read them.
func TestOdd(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for _, tt := range []struct {
		name, raw, body string
		field, value    string
		quirks          []QuirkKind
	}{
		{name: "case and order", raw: "POST / HTTP/1.1\r\nhOST: a\r\nSOAPAction:\r\nCONTENT-LENGTH: 3\r\n\r\nabc", body: "abc", field: "host", value: "a"},
		{name: "a name twice", raw: "POST / HTTP/1.1\r\nCookie: a\r\ncookie: b\r\nCookie: c\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "COOKIE", value: "a"},
		{name: "no space after the colon", raw: "POST / HTTP/1.1\r\nHost:acs\r\nContent-Length:3\r\n\r\nabc", body: "abc", field: "Host", value: "acs", quirks: []QuirkKind{NoSpaceAfterColon}},
		{name: "space before the colon", raw: "POST / HTTP/1.1\r\nSOAPAction : \"\"\r\nContent-Length : 7\r\n\r\nabcdefg", body: "abcdefg", field: "SOAPAction", value: `""`, quirks: []QuirkKind{SpaceBeforeColon}},
		{name: "LF", raw: "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", body: "abc", quirks: []QuirkKind{BareLF}},
		{name: "folded", raw: "POST / HTTP/1.1\r\nX: a\r\n  b\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "X", value: "a b", quirks: []QuirkKind{FoldedField}},
		{name: "HTTP/1.0 without Host", raw: "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", body: "abc"},
		{name: "length 7, 7", raw: "POST / HTTP/1.1\r\nContent-Length: 7, 7\r\n\r\nabcdefg", body: "abcdefg", quirks: []QuirkKind{RepeatedLength}},
		{name: "length +7", raw: "POST / HTTP/1.1\r\nContent-Length: +7\r\n\r\nabcdefg", body: "abcdefg", quirks: []QuirkKind{InvalidLength}},
		{name: "length twice", raw: "POST / HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\nabcdefg", body: "abcdefg", quirks: []QuirkKind{RepeatedLength}},
		{name: "lengths that differ", raw: "POST / HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: 5\r\n\r\nabcdefg", body: "abcdefg", quirks: []QuirkKind{ConflictingLength, TailAfterBody}},
		{name: "length negative", raw: "POST / HTTP/1.1\r\nContent-Length: -7\r\n\r\nabcdefg", body: "abcdefg", quirks: []QuirkKind{InvalidLength, NoLength}},
		{name: "length beyond all", raw: "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nabcdefg", body: "abcdefg", quirks: []QuirkKind{InvalidLength, NoLength}},
		{name: "both framings", raw: "POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", body: "abc", quirks: []QuirkKind{LengthAndChunked}},
		{name: "extensions, odd sizes, trailers", raw: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0003;x=y\r\nabc\r\n00A \r\n0123456789\r\n000\r\nX-T: 1\r\n\r\n", body: "abc0123456789", quirks: []QuirkKind{ChunkExtension}},
		{name: "a space in a name", raw: "POST / HTTP/1.1\r\nBad Header: 1\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "bad header", value: "1", quirks: []QuirkKind{InvalidFieldName}},
		{name: "an empty name", raw: "POST / HTTP/1.1\r\n: x\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "", value: "x", quirks: []QuirkKind{EmptyFieldName}},
		{name: "no colon", raw: "POST / HTTP/1.1\r\nnonsense\r\nContent-Length: 3\r\n\r\nabc", body: "abc", quirks: []QuirkKind{NoColon}},
		{name: "Latin-1", raw: "POST / HTTP/1.1\r\nX: \xe9\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "X", value: "\xe9", quirks: []QuirkKind{NonASCIIInHead}},
		{name: "NUL", raw: "POST / HTTP/1.1\r\nX: a\x00b\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "X", value: "a\x00b", quirks: []QuirkKind{NULInHead}},
		{name: "empty line before", raw: "\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", body: "abc", quirks: []QuirkKind{LeadingEmptyLine}},
		{name: "absolute form", raw: "POST http://acs/x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", body: "abc"},
		{name: "space in the path", raw: "POST //a/../a cs HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", body: "abc", quirks: []QuirkKind{OddTarget}},
		{name: "no length, no body", raw: "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{name: "lower-case method", raw: "post / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", body: "abc", quirks: []QuirkKind{OddMethod}},
		{name: "lower-case version", raw: "POST /cwmp http/1.1\r\nContent-Length: 3\r\n\r\nabc", body: "abc", quirks: []QuirkKind{OddVersion}},
		{name: "no version", raw: "POST /acs\r\nContent-Length: 3\r\n\r\nabc", body: "abc", quirks: []QuirkKind{OddVersion}},
		{name: "hop-by-hop", raw: "POST / HTTP/1.1\r\nConnection: Keep-Alive, X\r\nProxy-Connection: x\r\nKeep-Alive: 3\r\nContent-Length: 3\r\n\r\nabc", body: "abc", field: "keep-alive", value: "3"},
		{name: "unknown method", raw: "X-DO /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", body: "abc"},

		{name: "set-cookie", raw: "HTTP/1.1 200 OK\r\nset-cookie: a\r\nCONTENT-length: 2\r\n\r\nok", body: "ok", field: "Set-Cookie", value: "a"},
		{name: "no reason", raw: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", body: "ok", quirks: []QuirkKind{MissingReason}},
		{name: "HTTP/1.0 until close", raw: "HTTP/1.0 200 OK\r\n\r\nok", body: "ok"},
		{name: "LF answer", raw: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", body: "ok", quirks: []QuirkKind{BareLF}},
		{name: "204 with length 0", raw: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"},
		{name: "204 with a body", raw: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", body: "ok", quirks: []QuirkKind{BodyWhereNone}},
		{name: "http/1.1", raw: "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", body: "ok", quirks: []QuirkKind{OddVersion}},
		{name: "shorter than declared", raw: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", body: "ok", quirks: []QuirkKind{ShortBody}},
		{name: "text longer than declared", raw: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a>\xc3\xa9</a>", body: "<a>\xc3\xa9</a>", quirks: []QuirkKind{TailAfterBody}},
		{name: "chunks not finished", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", body: "ab", quirks: []QuirkKind{UnfinishedChunks}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parts := []said{c2s(tt.raw), s2c(ok), shutBoth(capture.FIN)}
			if l, is := parseStatusLine(tt.raw[:12]); is && l.status > 0 {
				parts = []said{c2s("GET / HTTP/1.1\r\n\r\n"), s2c(tt.raw), shutBoth(capture.FIN)}
			}
			es := play(&capture.Conn{ID: 1}, false, parts, nil)
			noByteLost(t, parts, es)
			var m *Message
			for _, x := range messages(es) {
				if x.Raw == tt.raw {
					m = x
				}
			}
			if m == nil {
				t.Fatalf("not read as one message: %s", brief(es))
			}
			if m.Body != tt.body {
				t.Errorf("body %q, want %q", m.Body, tt.body)
			}
			if v, found := m.Field(tt.field); tt.value != "" && (!found || v != tt.value) {
				t.Errorf("%s: %q, want %q", tt.field, v, tt.value)
			}
			var kinds []QuirkKind
			for _, q := range m.Quirks {
				kinds = append(kinds, q.Kind)
				if q.At < 0 || q.At > len(m.Raw) {
					t.Errorf("quirk %d at %d of %d", q.Kind, q.At, len(m.Raw))
				}
			}
			if !slices.Equal(kinds, tt.quirks) {
				t.Errorf("quirks %v, want %v", kinds, tt.quirks)
			}
		})
	}
}

// TestGarbageBefore: bytes without a line end that stand before a request are a
// remainder, and the request is read.
func TestGarbageBefore(t *testing.T) {
	const post = "POST /acs HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
	for _, tt := range []struct{ garbage, want string }{
		{"some garbage that is no markup", post},
		{"some garbage that is no markup ", post},
		{"x", post},
		{"a <b> c: d, ", post},
		{"end of it\x00\x01", post},
		{"", "X-DO /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"},
		{"", "X-DO /a b c HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"},
		{"", "POST /a GET /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"},
	} {
		first := "GET / HTTP/1.1\r\n\r\n"
		parts := []said{c2s(first), s2c("HTTP/1.1 204 No\r\n\r\n"), c2s(tt.garbage), c2s(tt.want), s2c("HTTP/1.1 204 No\r\n\r\n"), shutBoth(capture.FIN)}
		es := play(&capture.Conn{ID: 1}, false, parts, nil)
		noByteLost(t, parts, es)
		var raws []string
		remainder := ""
		for _, e := range es {
			switch e.Kind {
			case RequestSeen:
				raws = append(raws, e.Exchange.Request.Raw)
			case RemainderSeen:
				remainder += e.Bytes
			}
		}
		if !slices.Equal(raws, []string{first, tt.want}) || remainder != tt.garbage {
			t.Errorf("after %q: requests %q, remainder %q", tt.garbage, raws, remainder)
		}
	}
}
