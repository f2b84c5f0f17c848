package recording

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
)

// recipe is how a vector was made. What it makes may change with the compressor;
// the vector does not.
type recipe struct {
	comment string
	make    func(t *testing.T) []byte
}

// Parts of vectors.
var (
	vectorHeader = Header{ID: [16]byte{0xC0, 1}, Created: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Tool: "informant test", Sources: []string{"interface eth0"}}
	vectorTime   = time.Date(2026, 3, 1, 12, 0, 0, 1500, time.UTC)
)

func headBlock(h Header) []byte { return h.append(nil) }

// dataFrame is a frame of a text.
func dataFrame(t *testing.T, text string, o ...zstd.EOption) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

// stretchText is a group of records of data on one connection: its opening, if
// it is the first.
func stretchText(number, seq uint64, data ...string) string {
	t := fmt.Sprintf("G %d t %d 1772366400000001500 0\nC 1 1 tcp 10.0.0.1:5000 10.0.0.2:7547 wire =0 \"eth0\"\n", number, seq)
	step := 0
	if seq == 1 {
		t += "o 1 0 - 0 b\n"
		step = 1
	}
	for i, d := range data {
		t += fmt.Sprintf("%c 1 1000 - %d %d\n%s\n", "><"[i%2], step, len(d), d)
		step = 1
	}
	return t
}

func vectorRecords() []capture.Record {
	a := &capture.Conn{ID: 1, Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("[2001:db8::1]:7547"), Point: "eth0"}
	a.Identity = capture.NewIdentity(a.Network, a.Client, a.Server, vectorTime, "")
	b := &capture.Conn{ID: 2, Network: capture.UDP, Origin: capture.Synthesised, Identity: [16]byte{0xFF, 1}, Point: "a \"dump\"\n"}
	at := func(us int) time.Time { return vectorTime.Add(time.Duration(us)*time.Microsecond + 7) }
	return []capture.Record{
		{Conn: a, Kind: capture.Open, Time: vectorTime, Packet: 1},
		{Conn: a, Kind: capture.Data, Time: at(500), Packet: 4, Data: []byte("POST /acs HTTP/1.1\r\nContent-Length: 0\r\n\r\n")},
		{Conn: b, Kind: capture.Open, Midstream: true},
		{Conn: b, Kind: capture.Cipher, From: capture.FromServer, Data: []byte{0x17, 3, 3, 0, 1, 0xFF, '\n'}},
		{Conn: a, Kind: capture.Gap, From: capture.FromServer, Time: at(-20), Packet: 3, Lost: 1448},
		{Conn: a, Kind: capture.Gap, Time: at(0), Packet: 9, Lost: -1},
		{Conn: a, Kind: capture.Remark, From: capture.FromServer, Time: at(10), Text: "two\nlines"},
		{Conn: a, Kind: capture.Data, From: capture.FromServer, Time: at(1e6), Packet: 12, Data: []byte("HTTP/1.1 204 No Content\r\n\r\n")},
		{Conn: a, Kind: capture.Data, Time: at(1e6), Packet: 13},
		{Conn: a, Kind: capture.Close, Time: at(2e6), Packet: 14, End: capture.FIN},
		{Conn: a, Kind: capture.Close, Time: at(3e6), Packet: 15, From: capture.FromServer, End: capture.RST},
		{Conn: b, Kind: capture.Close, From: capture.FromServer, Both: true, End: capture.EndOfInput},
	}
}

// unsealedVector is HEAD and three frames of one group each.
func unsealedVector(t *testing.T) [][]byte {
	t.Helper()
	return [][]byte{
		headBlock(vectorHeader),
		dataFrame(t, stretchText(1, 1, "one", "two")),
		dataFrame(t, stretchText(2, 4, "three", "four")),
		dataFrame(t, stretchText(3, 6, "five", "six")),
	}
}

// sealedVector is HEAD and three frames of groups of two connections that take
// turns; without an index.
func sealedVector(t *testing.T) [][]byte {
	t.Helper()
	group := func(number, conn, first int, kind string, records string) string {
		return fmt.Sprintf("G %d %s %d 1772366400000001500 0\nC 1 %d tcp 10.0.0.1:500%d 10.0.0.2:7547 wire =0 \"eth0\"\n%s", number, kind, first, conn, conn, records)
	}
	return [][]byte{
		headBlock(vectorHeader),
		dataFrame(t, group(1, 1, 1, "s", "o 1 0 - 0 b\n> 1 10 - 2 1\na\n< 1 10 - 3 1\nb\n")+group(2, 2, 2, "c", "o 1 5 - 0 m\n> 1 10 - 2 1\nA\n")),
		dataFrame(t, group(3, 2, 5, "c+", "> 1 10 - 0 1\nB\n> 1 10 - 3 1\nC\n")),
		dataFrame(t, group(4, 1, 7, "s", "> 1 60 - 0 1\nc\nx 1 20 - 2 b fin\n")+group(5, 2, 10, "c", "! 1 100 - 0 3\nx 1 0 - 1 B rst\n")),
		appendTail(nil, 5),
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x10
	return b
}

// rotated is two files, the second of which follows the first.
func rotated(t *testing.T) (first, second []byte) {
	h := vectorHeader
	h.ID, h.Follows = [16]byte{0xC0, 2}, &Follows{ID: vectorHeader.ID, Seq: 7}
	carried := "G 1 t 8 0 0\nC 1 1 tcp 10.0.0.1:5000 10.0.0.2:7547 wire =1772366400000001.5 \"eth0\"\no 1 - - 0 m\nx 1 - - 1 > -\n< 1 1772366400000001.5 - 1 5\nseven\nx 1 1 - 1 < fin\n"
	first = slices.Concat(slices.Concat(unsealedVector(t)[:3]...), dataFrame(t, stretchText(3, 6, "five")+"x 1 1 - 1 > fin\n"))
	return first, slices.Concat(headBlock(h), dataFrame(t, carried))
}

// smallDict is a dictionary that is a Zstandard one by its form, made for vectors.
func smallDict(t *testing.T) *Dict {
	t.Helper()
	var samples [][]byte
	for i := range 50 {
		samples = append(samples, []byte(stretchText(uint64(i), uint64(i*7), strings.Repeat(fmt.Sprint("sample ", i), 5))))
	}
	b, err := zstd.BuildDict(zstd.BuildDictOptions{ID: 4711, Contents: samples, History: slices.Concat(samples[:4]...), Offsets: [3]int{1, 4, 8}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDict("vectors", b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dictVector(t *testing.T) (head, dict, frame []byte) {
	t.Helper()
	d := smallDict(t)
	h := vectorHeader
	h.Dictionary = d.Dictionary
	dict, err := d.block()
	if err != nil {
		t.Fatal(err)
	}
	return h.append(nil), dict, dataFrame(t, stretchText(1, 1, "sample 3", "sample 4"), zstd.WithEncoderDict(d.Bytes))
}

// skippableFrame is one that is not ours.
func skippableFrame(nibble byte, body string) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{0x50 | nibble, 0x2A, 0x4D, 0x18}, uint32(len(body)))
	return append(b, body...)
}

var recipes = map[string]recipe{
	"head": {"a recording without records", func(t *testing.T) []byte { return headBlock(vectorHeader) }},
	"records": {"every kind of record, times and addresses known and unknown", func(t *testing.T) []byte {
		return record(t, WriterOptions{Header: vectorHeader, Dictionary: &Dict{}}, vectorRecords())
	}},
	"frames": {"three frames", func(t *testing.T) []byte { return slices.Concat(unsealedVector(t)...) }},
	"groups": {"groups of a sealed recording, and the beginning of a TAIL, in order of Seq", func(t *testing.T) []byte { return slices.Concat(sealedVector(t)...) }},
	"behind": {"two recordings behind each other: numbers go on", func(t *testing.T) []byte {
		return slices.Concat(slices.Concat(unsealedVector(t)...), slices.Concat(sealedVector(t)...))
	}},
	"rotated": {"a file and the one that follows it: its connection goes on", func(t *testing.T) []byte {
		a, b := rotated(t)
		return slices.Concat(a, b)
	}},
	"rotated-second": {"a file that follows another, alone", func(t *testing.T) []byte { _, b := rotated(t); return b }},
	"rotated-torn": {"a file whose end is missing, and the one that follows it", func(t *testing.T) []byte {
		a, b := rotated(t)
		return slices.Concat(a[:len(a)-5], b)
	}},
	"dictionary": {"a dictionary in the file", func(t *testing.T) []byte {
		a, b, c := dictVector(t)
		return slices.Concat(a, b, c)
	}},
	"dictionary-twice": {"a dictionary in the file, twice, as it is written", func(t *testing.T) []byte {
		a, b, c := dictVector(t)
		return slices.Concat(a, b, b, c)
	}},
	"dictionary-first-flipped": {"a bit of the first DICT is wrong: the second is read", func(t *testing.T) []byte {
		a, b, c := dictVector(t)
		return slices.Concat(a, flip(b, len(b)/2), b, c)
	}},
	"dictionary-second-flipped": {"a bit of the second DICT is wrong", func(t *testing.T) []byte {
		a, b, c := dictVector(t)
		return slices.Concat(a, b, flip(b, len(b)/2), c)
	}},
	"dictionary-size-flipped": {"the first DICT says that it is longer than it is", func(t *testing.T) []byte {
		a, b, c := dictVector(t)
		return slices.Concat(a, flip(b, 6), b, c)
	}},
	"dictionary-both-flipped": {"a bit of both DICTs is wrong: nothing can be read", func(t *testing.T) []byte {
		a, b, c := dictVector(t)
		return slices.Concat(a, flip(b, len(b)/2), flip(b, len(b)/3), c)
	}},
	"dictionary-missing": {"a dictionary that HEAD names and nobody has", func(t *testing.T) []byte {
		a, _, c := dictVector(t)
		return slices.Concat(a, c)
	}},
	"dictionary-missing-behind": {"behind a recording whose dictionary nobody has is one without", func(t *testing.T) []byte {
		a, _, c := dictVector(t)
		return slices.Concat(a, c, c, slices.Concat(unsealedVector(t)[:2]...))
	}},
	"dictionary-other": {"DICT is not the dictionary that HEAD names", func(t *testing.T) []byte {
		_, b, c := dictVector(t)
		h := vectorHeader
		h.Dictionary = Dictionary{ID: 4711, Sum: [32]byte{1}, Name: "vectors"}
		return slices.Concat(headBlock(h), b, c)
	}},
	"unknown": {"what a reader of version 1 skips: names in HEAD, blocks, frames of others, words behind a point, a record", func(t *testing.T) []byte {
		head := appendBlock(nil, tagHead, []byte("recording: 1\nid: c0040000000000000000000000000000\ncolour: blue\nfrom: a\nfrom: b\n"))
		text := strings.Replace(stretchText(1, 1, "one"), "\"eth0\"\n", "\"eth0\" key 7\n", 1) + "q 1 5 - 1 some fields 3\nG 9\n> 1 5 - 1 3\ntwo\n"
		return slices.Concat(head, appendBlock(nil, "cwmpnote", []byte("?")), skippableFrame(0, "padding"), dataFrame(t, text), skippableFrame(0xC, "other tool"), skippableFrame(0xC, ""))
	}},
	"version-2": {"a version to come", func(t *testing.T) []byte {
		return slices.Concat(appendBlock(nil, tagHead, []byte("recording: 2\nanything at all")), slices.Concat(unsealedVector(t)[1:]...))
	}},
	"version-2-behind": {"a recording of a version to come behind one of this", func(t *testing.T) []byte {
		return slices.Concat(slices.Concat(unsealedVector(t)[:2]...), appendBlock(nil, tagHead, []byte("recording: 2\n")))
	}},
	"needed": {"a block that is needed and not known", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], v[1], appendBlock(nil, "cwmpAGE_", []byte("?")), v[2])
	}},
	"empty":     {"nothing", func(t *testing.T) []byte { return nil }},
	"foreign":   {"no recording: a Zstandard frame", func(t *testing.T) []byte { return dataFrame(t, stretchText(1, 1, "one")) }},
	"torn":      {"torn within a frame", func(t *testing.T) []byte { b := slices.Concat(unsealedVector(t)...); return b[:len(b)-9] }},
	"torn-head": {"torn within HEAD", func(t *testing.T) []byte { return headBlock(vectorHeader)[:60] }},
	"zeroed": {"its end is zeros", func(t *testing.T) []byte {
		return slices.Concat(slices.Concat(unsealedVector(t)[:3]...), make([]byte, 64))
	}},
	"flipped-frame": {"a bit of the second frame's content is wrong", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], v[1], flip(v[2], len(v[2])/2), v[3])
	}},
	"flipped-magic": {"a bit of the second frame's magic is wrong", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], v[1], flip(v[2], 0), v[3])
	}},
	"flipped-head": {"a bit of HEAD is wrong", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(flip(v[0], 40), v[1], v[2], v[3])
	}},
	"flipped-group": {"a bit of a sealed recording's second frame is wrong", func(t *testing.T) []byte {
		v := sealedVector(t)
		return slices.Concat(v[0], v[1], flip(v[2], len(v[2])/2), v[3], v[4])
	}},
	"groups-flipped-last": {"a bit of a sealed recording's last frame is wrong", func(t *testing.T) []byte {
		v := sealedVector(t)
		return slices.Concat(v[0], v[1], v[2], flip(v[3], len(v[3])/2), v[4])
	}},
	"groups-frame-missing": {"the last frame of a sealed recording is missing", func(t *testing.T) []byte {
		v := sealedVector(t)
		return slices.Concat(v[0], v[1], v[2], v[4])
	}},
	"groups-no-tail": {"a sealed recording without its end", func(t *testing.T) []byte {
		return slices.Concat(sealedVector(t)[:4]...)
	}},
	"foreign-bytes": {"bytes that are no frame stand between frames", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], v[1], []byte("what is this (\xB5/\xFD)?"), v[2], v[3])
	}},
	"frame-missing": {"the second frame is missing", func(t *testing.T) []byte { v := unsealedVector(t); return slices.Concat(v[0], v[1], v[3]) }},
	"no-checksum": {"a frame without checksum", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], dataFrame(t, stretchText(1, 1, "one", "two"), zstd.WithEncoderCRC(false)), v[2], v[3])
	}},
	"record-cut": {"a record is longer than its group", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], dataFrame(t, stretchText(1, 1, "one")+"> 1 5 - 1 30\ntwo\n"), v[2], v[3])
	}},
	"record-stray": {"a record of a connection that was not described", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], dataFrame(t, stretchText(1, 1, "one")+"> 2 5 - 1 3\ntwo\n"), v[2], v[3])
	}},
	"seq": {"record 4 is missing within a group", func(t *testing.T) []byte {
		v := unsealedVector(t)
		return slices.Concat(v[0], dataFrame(t, stretchText(1, 1, "one", "two")+"> 1 5 - 2 4\nfive\n"+"> 1 5 - 1 3\nsix\n"))
	}},
}
