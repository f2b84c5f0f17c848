package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"informant/capture/recording"
	"informant/capture/scenario"
	"informant/decode/transcript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"informant": main})
}

// TestScripts runs the scripts of testdata/script, each a session at a shell
// with its files. -update writes the expected output anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"pcap":     scriptPcap,
			"pcapng":   scriptPcapng,
			"head":     scriptHead,
			"gzip":     scriptGzip,
			"sparse":   scriptSparse,
			"exitcode": scriptExitCode,
			"schema":   scriptSchema,
			"bytes":    scriptBytes,
			"feed":     scriptFeed,
			"flip":     scriptFlip,
			"locked":   scriptLocked,
			"noise":    scriptNoise,
			"newer":    scriptNewer,
		},
	})
}

func read(ts *testscript.TestScript, name string) []byte { return []byte(ts.ReadFile(name)) }

func write(ts *testscript.TestScript, name string, b []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), b, 0o644))
}

// pcap SCENARIO OUT: the scenario's packets as a capture.
func scriptPcap(ts *testscript.TestScript, _ bool, args []string) {
	records, err := scenario.Parse(args[0], string(read(ts, args[0])))
	ts.Check(err)
	write(ts, args[1], asPcap(records))
}

// pcapng PCAP OUT: the same packets as a pcapng.
func scriptPcapng(ts *testscript.TestScript, _ bool, args []string) {
	write(ts, args[1], asPcapng(read(ts, args[0])))
}

// head N IN OUT: the first N bytes of a file; a negative N counts from its end.
func scriptHead(ts *testscript.TestScript, _ bool, args []string) {
	b := read(ts, args[1])
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n < 0 {
		n += len(b)
	}
	write(ts, args[2], b[:n])
}

// gzip IN OUT
func scriptGzip(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(read(ts, args[0]))
	ts.Check(err)
	ts.Check(z.Close())
	write(ts, args[1], b.Bytes())
}

// sparse SIZE OUT: a file of zeros that takes no room.
func scriptSparse(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(f.Truncate(n))
	ts.Check(f.Close())
}

// exitcode N CMD ARG...: runs a command, which must end with exit code N.
func scriptExitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		var code interface{ ExitCode() int }
		if !asExit(err, &code) {
			ts.Fatalf("%v", err)
		}
		got = code.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func asExit(err error, code *interface{ ExitCode() int }) bool {
	c, ok := err.(interface{ ExitCode() int })
	*code = c
	return ok
}

// schema: the last output is JSON lines under the schema.
func scriptSchema(ts *testscript.TestScript, _ bool, _ []string) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(transcript.Schema))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	ts.Check(c.AddResource("urn:informant:transcript:1", doc))
	s, err := c.Compile("urn:informant:transcript:1")
	ts.Check(err)
	for _, l := range strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n") {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(l))
		ts.Check(err)
		if err := s.Validate(v); err != nil {
			ts.Fatalf("%v in %s", err, l)
		}
	}
}

// bytes OUT HEX: a file of these bytes.
func scriptBytes(ts *testscript.TestScript, _ bool, args []string) {
	var b []byte
	_, err := fmt.Sscanf(args[1], "%x", &b)
	ts.Check(err)
	write(ts, args[0], b)
}

// feed N: informant's decode of N bytes of zeros from a pipe ends with exit
// code 2, without reading them all.
func scriptFeed(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	z := &zeros{left: n}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"decode", "-"}, z, &stdout, &stderr); code != exitUsage {
		ts.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if read := n - z.left; read > 1<<20 {
		ts.Fatalf("%d bytes were read to tell that they are zeros", read)
	}
	if !strings.Contains(stderr.String(), "zeros") {
		ts.Fatalf("%s", stderr.String())
	}
}

// flip N FILE: one bit of the byte at N is another; a negative N counts from its
// end.
func scriptFlip(ts *testscript.TestScript, _ bool, args []string) {
	b := read(ts, args[1])
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n < 0 {
		n += len(b)
	}
	b[n] ^= 4
	write(ts, args[1], b)
}

// locked FILE: as if another process wrote the recording, to the end of the script.
func scriptLocked(ts *testscript.TestScript, _ bool, args []string) {
	unlock, err := recording.Lock(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { _ = unlock() })
}

// newer OUT: the beginning of a recording of a version to come.
func scriptNewer(ts *testscript.TestScript, _ bool, args []string) {
	body := "cwmpHEADrecording: 2\nid: 2f6b8c019d444e0ab1735c20e8963d57\n"
	b := binary.LittleEndian.AppendUint32([]byte{0x5c, 0x2a, 0x4d, 0x18}, uint32(len(body)+4))
	b = append(b, body...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli)))
	write(ts, args[0], b)
}

// noise PCAP N: the scenario demo, played N times.
func scriptNoise(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text, err := os.ReadFile(filepath.Join(packageDir, "demo", "demo.scenario"))
	ts.Check(err)
	b, err := played(string(text), n)
	ts.Check(err)
	write(ts, args[0], b)
}

// packageDir is this folder: scripts run in others.
var packageDir = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}()

type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	if n == 0 {
		return 0, fmt.Errorf("the end")
	}
	return int(n), nil
}
