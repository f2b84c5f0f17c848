package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode/transcript"
)

type importOptions struct {
	files  []string
	out    string
	follow bool
	sync   bool
	quiet  bool
}

func newImportCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE... -w OUT",
		Short: "Make a recording of captures and dumps",
		Long: `Import reads captures (pcap, pcapng; also gzip or zstd), dumps of HTTP messages
or bare SOAP envelopes, and scenarios, and writes all that was seen on their
connections to a recording: the bytes, who sent them, when, and what is missing.
'-' reads standard input; '-w -' writes to standard output. Several captures are
merged by time.

The recording names its originals: name, size and SHA-256 of each file. Of
standard input, and of a file that is followed, these are not known when it is
begun; they are told at the end. It is readable for its owner alone, and nothing
is overwritten.

-f follows a capture that is still being written, until it is interrupted; the
recording can be read meanwhile.
` + exitHelp,
		Example: `  informant import monday.pcapng.gz tuesday.pcapng.gz -w days.cwmp
  informant import message-from-a-ticket.txt -w ticket.cwmp
  informant import -f /var/tmp/growing.pcap -w growing.cwmp
  tcpdump -i eth0 -U -w - port 7547 | informant import - -w eth0.cwmp`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runImport(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "write", "w", "", "the recording's `name`; '-' is standard output")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on when the file grows, until interrupted")
	f.BoolVar(&o.sync, "sync", false, "wait for the disk after every frame")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no summary")
	return cmd
}

func runImport(ctx context.Context, o importOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if o.out == "" {
		return usageError{errors.New("-w OUT is missing: the recording's name")}
	}
	if o.follow && len(o.files) != 1 {
		return usageError{errors.New("-f follows one file")}
	}
	origins := &origins{ctx: ctx, follow: o.follow}
	m := &meter{}
	in, err := openInputs(o.files, opening{stdin: stdin, meter: m, prepare: origins.prepare, accept: noRecording})
	if err != nil {
		return err
	}
	in.live = in.live || o.follow
	c := &copying{in: in, ctx: ctx, name: o.out, files: recording.FilesOptions{Out: stdout, Sync: o.sync}, meter: m, quiet: o.quiet, stdout: stdout, stderr: stderr, patient: o.follow}
	c.files.Writer.Header = recording.NewHeader(os.Args)
	c.files.Writer.Header.Sources = origins.lines()
	err = c.run()
	if !o.quiet {
		origins.tell(stderr)
	}
	return err
}

// noRecording refuses what needs no import.
func noRecording(k kind) error {
	if k == kindRecording {
		return fmt.Errorf("%w: it is a recording already; 'informant merge' and 'informant seal' make one of several", capture.ErrFormat)
	}
	return nil
}

// origins tells where records come from.
type origins struct {
	ctx    context.Context
	follow bool
	list   []*origin
}

// origin is a file that records come from.
type origin struct {
	name string
	size int64
	sum  hash.Hash
	read bool // the sum is of what was read: it was not known before
}

// prepare notes a file. Its sum is made before it is read, and no more of it is
// read than was summed; where that can't be, while it is.
func (o *origins) prepare(f *input) error {
	x := &origin{name: f.name, sum: sha256.New()}
	o.list = append(o.list, x)
	if f.file == nil || o.follow {
		if o.follow && f.file != nil {
			f.r, f.size = &growing{ctx: o.ctx, file: f.file}, 0
		} else if o.follow && !f.live {
			return errors.New("-f follows a file that has a name")
		}
		x.read = true
		f.r = io.TeeReader(f.r, x)
		return nil
	}
	if _, err := io.Copy(x, f.file); err != nil {
		return err
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	f.r = io.LimitReader(f.file, x.size)
	return nil
}

// Write takes bytes of the file.
func (x *origin) Write(p []byte) (int, error) {
	x.size += int64(len(p))
	return x.sum.Write(p)
}

// lines are the header's.
func (o *origins) lines() (lines []string) {
	for _, x := range o.list {
		if x.read {
			lines = append(lines, fmt.Sprintf("file %s - -", x.name))
		} else {
			lines = append(lines, fmt.Sprintf("file %s %d sha256:%x", x.name, x.size, x.sum.Sum(nil)))
		}
	}
	return lines
}

// tell says what the header could not.
func (o *origins) tell(stderr io.Writer) {
	for _, x := range o.list {
		if x.read {
			fmt.Fprintf(stderr, "informant: read from %s: %s bytes, sha256:%x\n", x.name, thousands(x.size), x.sum.Sum(nil))
		}
	}
}

// growing reads a file that is being written: at its end it waits for more, until
// its context ends.
type growing struct {
	ctx  context.Context
	file *os.File
	at   int64
}

// poll is how often it is looked for more.
const poll = 100 * time.Millisecond

func (g *growing) Read(p []byte) (int, error) {
	for {
		n, err := g.file.Read(p)
		g.at += int64(n)
		if n > 0 || err != nil && err != io.EOF {
			return n, err
		}
		if st, err := g.file.Stat(); err == nil && st.Size() < g.at {
			return 0, fmt.Errorf("%w: the file became shorter while it was followed: %d bytes of %d", capture.ErrDamaged, st.Size(), g.at)
		}
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-time.After(poll):
		}
	}
}

// copying puts what inputs yield into a recording.
type copying struct {
	in      *inputs
	ctx     context.Context
	name    string
	files   recording.FilesOptions
	meter   *meter
	quiet   bool
	stdout  io.Writer
	stderr  io.Writer
	patient bool // the input ends when it is interrupted, which is no fault
}

// run copies everything, says what was wrong, and closes the inputs.
func (c *copying) run() error {
	if len(c.in.sources) == 0 {
		code := (&outcome{damage: c.in.damage}).report(c.stderr)
		return errors.Join(c.in.Close(), verdict(code))
	}
	if c.name == "-" && isTerminal(c.stdout) {
		c.in.Close()
		return usageError{errors.New("a recording is not for a terminal: give -w NAME, or a pipe")}
	}
	c.files.Name = literal(c.name)
	out, err := recording.Create(c.files)
	if err != nil {
		return errors.Join(taken(c.name, err), c.in.Close())
	}
	if !c.quiet && isTerminal(c.stderr) {
		c.meter.show(c.stderr)
	}
	conns, err := c.copy(out)
	interrupted := c.ctx.Err() != nil
	if e := out.Close(); err == nil {
		err = e
	}
	c.meter.done()
	if err != nil {
		return err
	}
	o := &outcome{interrupted: interrupted && !c.patient}
	if !interrupted || c.patient { // else the reader may still stand in a Read
		if e := c.in.Close(); e != nil {
			c.in.damage = append(c.in.damage, e)
		}
		o.damage = c.in.damage
		if err := newerRecords(c.in.sources); err != nil {
			o.damage = append(o.damage, err)
		}
	}
	if s := out.Stats(); !c.quiet && c.name != "-" {
		fmt.Fprintf(c.stdout, "%s: %s of %s, %s bytes of traffic in %s bytes\n", transcript.Safe(c.name), plural(int(s.Records), "record", "records"),
			plural(conns, "connection", "connections"), thousands(s.Traffic), thousands(s.Written))
	}
	if code := o.report(c.stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// copy copies until the input ends, or the context. A reader that stands in a
// Read then is left there.
func (c *copying) copy(out *recording.Files) (conns int, err error) {
	type result struct {
		conns int
		err   error
	}
	done := make(chan result, 1)
	go func() {
		n, err := c.each(out)
		done <- result{n, err}
	}()
	var r result
	select {
	case r = <-done:
		return r.conns, r.err
	case <-c.ctx.Done():
	}
	wait := time.NewTimer(quiet)
	defer wait.Stop()
	if c.patient {
		r = <-done
		return r.conns, r.err
	}
	select {
	case r = <-done:
	case <-wait.C:
	}
	return r.conns, r.err
}

func (c *copying) each(out *recording.Files) (conns int, err error) {
	ctx := c.ctx
	if c.patient {
		ctx = context.WithoutCancel(ctx)
	}
	seen := map[uint64]bool{}
	err = eachRecord(ctx, c.in, func(r capture.Record, n int) error {
		if !seen[r.Conn.ID] {
			conns++
			seen[r.Conn.ID] = true
		}
		if r.Kind == capture.Close && r.Both {
			delete(seen, r.Conn.ID)
		}
		if n%1024 == 0 {
			c.meter.tick()
		}
		return out.Put(r)
	})
	return conns, err
}

// literal is a name in which nothing stands for the time.
func literal(name string) string { return strings.ReplaceAll(name, "%", "%%") }

// taken is the error of a file that could not be created.
func taken(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: there is a file of that name; nothing is overwritten", transcript.Safe(name))
	}
	return err
}

// thousands is a number with its thousands apart.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
