package recording

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"informant/capture"
)

// childEnv makes the test binary write a recording instead of testing: what it
// says is the mode, what follows the name of the file.
const childEnv = "INFORMANT_TEST_RECORDING"

func TestMain(m *testing.M) {
	if mode, name, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		os.Exit(child(mode, name))
	}
	os.Exit(m.Run())
}

// child writes records at full speed till something stops it. It says on its
// standard output how many were flushed.
func child(mode, name string) int {
	if limit, ok := strings.CutPrefix(mode, "limit"); ok {
		n, _ := strconv.ParseUint(limit, 10, 64)
		if err := limitFileSize(n); err != nil {
			fmt.Println(err)
			return 3
		}
	}
	f, err := Create(FilesOptions{Name: name, Writer: WriterOptions{Header: NewHeader(nil), FrameBytes: 8000}})
	if err != nil {
		fmt.Println("error", err)
		return 2
	}
	for n := 0; ; n++ {
		if err := f.Put(numberedRecord(n)); err != nil {
			fmt.Println("error", err)
			if again := f.Close(); again == nil || again.Error() != err.Error() {
				fmt.Println("error: Close says", again)
			}
			return 2
		}
		if n%64 == 0 {
			if err := f.Flush(); err == nil {
				fmt.Println("flushed", n+1)
			}
		}
	}
}

var numberedConn = &capture.Conn{ID: 1, Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("10.0.0.2:7547")}

// numberedRecord is the nth record of a child: its content follows from n.
func numberedRecord(n int) capture.Record {
	r := capture.Record{Conn: numberedConn, Kind: capture.Open, Time: time.Unix(1e9, int64(n)*1000).UTC()}
	if n > 0 {
		rnd := rand.New(rand.NewPCG(uint64(n), 0))
		r.Kind, r.From, r.Data = capture.Data, capture.Direction(n%2), make([]byte, rnd.IntN(1500))
		for i := range r.Data {
			r.Data[i] = byte(rnd.Uint32() & 0x3f)
		}
	}
	return r
}

// numberedRecords checks that records are a child's, from its first on.
func numberedRecords(t *testing.T, got []capture.Record) {
	t.Helper()
	for n, r := range got {
		if w := numberedRecord(n); r.Seq != uint64(n+1) || r.Kind != w.Kind || r.From != w.From || !r.Time.Equal(w.Time) || !bytes.Equal(r.Data, w.Data) {
			t.Fatalf("record %d is %+v", n, r)
		}
	}
}

// start starts a child, and returns it with the lines it prints.
func start(t *testing.T, mode, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+mode+" "+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestKilled kills a process that writes at full speed, at a random moment:
// everything flushed before is in the file, and a torn tail is named.
func TestKilled(t *testing.T) {
	times := 30
	if testing.Short() {
		times = 5
	}
	if os.Getenv("INFORMANT_SOAK") != "" {
		times = 500
	}
	torn := 0
	for i := range times {
		name := filepath.Join(t.TempDir(), "a.cwmp")
		cmd, lines := start(t, "killed", name)
		time.AfterFunc(time.Duration(10+rand.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
		flushed := 0
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "flushed %d", &flushed); err != nil {
				t.Error(lines.Text())
			}
		}
		cmd.Wait()
		b, err := os.ReadFile(name)
		if err != nil {
			if flushed > 0 {
				t.Error(err)
			}
			continue
		}
		got, _, err := read(t, bytes.NewReader(b))
		if len(b) == 0 && errors.Is(err, capture.ErrEmpty) && flushed == 0 {
			continue
		}
		if err != nil {
			if torn++; !errors.Is(err, ErrTorn) {
				t.Errorf("run %d: %v", i, err)
			}
		}
		if len(got) < flushed {
			t.Errorf("run %d: %d records of %d that were flushed", i, len(got), flushed)
		}
		numberedRecords(t, got)
		if unlock, err := Lock(name); err != nil {
			t.Errorf("the dead hold a lock: %v", err)
		} else {
			unlock()
		}
	}
	t.Logf("%d times, %d files with a torn tail", times, torn)
}

// filled lets a child write till there is no more room, and checks what is left.
func filled(t *testing.T, mode, name, want string) {
	t.Helper()
	cmd, lines := start(t, mode, name)
	flushed, said := 0, ""
	for lines.Scan() {
		if n, _ := fmt.Sscanf(lines.Text(), "flushed %d", &flushed); n == 0 {
			said += lines.Text()
		}
	}
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("the child ended with %v", err)
	}
	if !strings.Contains(said, want) || !strings.Contains(said, name) || strings.Contains(said, "Close says") {
		t.Errorf("it said %q", said)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := read(t, bytes.NewReader(b))
	if err != nil {
		t.Errorf("the file: %v", err)
	}
	numberedRecords(t, got)
	if len(got) < flushed || flushed == 0 {
		t.Errorf("%d records of %d that were flushed", len(got), flushed)
	}
}
