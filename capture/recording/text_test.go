package recording

import (
	"bytes"
	"io"
	"net/netip"
	"os/exec"
	"testing"

	"informant/capture"
)

// TestText: the text is what zstd prints of the recording.
func TestText(t *testing.T) {
	c := &capture.Conn{ID: 1, Client: netip.MustParseAddrPort("192.0.2.7:41000"), Server: netip.MustParseAddrPort("192.0.2.1:7547"), Point: "a"}
	records := []capture.Record{{Conn: c, Kind: capture.Open}}
	for range 40 {
		records = append(records, capture.Record{Conn: c, Kind: capture.Data, Data: bytes.Repeat([]byte("POST / HTTP/1.1\r\n"), 300)})
	}
	records = append(records, capture.Record{Conn: c, Kind: capture.Close, Both: true, End: capture.FIN})
	var text, file bytes.Buffer
	sink, err := NewText(&text)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(&file, WriterOptions{Header: NewHeader(nil), Dictionary: &Dict{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []capture.Sink{sink, w} {
		for _, r := range records {
			if err := to.Put(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(bytes.NewReader(file.Bytes()), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		if _, err := r.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(records) || bytes.Count(text.Bytes(), []byte("\nG ")) == 0 {
		t.Errorf("%d records, %d bytes of text", n, text.Len())
	}
	if zstd, err := exec.LookPath("zstd"); err == nil {
		cmd := exec.Command(zstd, "-dcq")
		cmd.Stdin = &file
		if out, err := cmd.Output(); err != nil || !bytes.Equal(out, text.Bytes()) {
			t.Errorf("zstd prints something else: %v", err)
		}
	}
}
