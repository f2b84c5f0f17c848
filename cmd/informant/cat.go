package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode/transcript"
)

type catOptions struct {
	files   []string
	output  string
	verbose bool
	quiet   bool
}

func newCatCommand() *cobra.Command {
	var o catOptions
	cmd := &cobra.Command{
		Use:   "cat FILE...",
		Short: "Print the records of recordings and captures as text",
		Long: `Cat prints the records of recordings, and of whatever else decode reads, in the
order in which they were seen: one line each; with -v also the bytes, as text,
each line behind a bar. It decodes nothing: what a TLS connection carries stays
as it is, and nothing is masked.

-o raw prints the text of the records that FORMAT.md describes, with the bytes as
they are. A sealed recording prints the same as before it was sealed.
` + exitHelp,
		Example: `  informant cat office.cwmp
  informant cat -v office.cwmp
  informant cat -o raw office.cwmp > records.txt`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runCat(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "text", "`form`: text or raw")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "also the bytes (passwords and keys among them)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return cmd
}

func runCat(ctx context.Context, o catOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := oneOf("output", o.output, "text", "raw"); err != nil {
		return err
	}
	m := &meter{}
	in, err := openInputs(o.files, opening{stdin: stdin, meter: m})
	if err != nil {
		return err
	}
	if !o.quiet && isTerminal(stderr) && !isTerminal(stdout) {
		m.show(stderr)
	}
	out := bufio.NewWriterSize(stdout, 256<<10)
	var to capture.Sink = &catText{w: out, bytes: o.verbose}
	if o.output == "raw" {
		var w io.Writer = out
		if isTerminal(stdout) {
			w = safeLines{out}
		}
		if to, err = recording.NewText(w); err != nil {
			return errors.Join(err, in.Close())
		}
	}
	err = eachRecord(ctx, in, func(r capture.Record, n int) error {
		if n%1024 == 0 {
			m.tick()
		}
		if err := to.Put(r); err != nil {
			return err
		}
		if in.live {
			return out.Flush()
		}
		return nil
	})
	m.done()
	if e := to.Close(); err == nil {
		err = e
	}
	if e := out.Flush(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	res := &outcome{damage: in.damage, interrupted: ctx.Err() != nil}
	if !res.interrupted {
		if e := in.Close(); e != nil {
			res.damage = append(res.damage, e)
		}
	}
	if code := res.report(stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// eachRecord calls f with each record, till the inputs or the context end.
func eachRecord(ctx context.Context, in *inputs, f func(r capture.Record, n int) error) error {
	for n := 0; ctx.Err() == nil; n++ {
		r, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(r, n); err != nil {
			return err
		}
	}
	return nil
}

// catText writes records as lines.
type catText struct {
	w     *bufio.Writer
	bytes bool
	line  []byte
}

// Put writes a record.
func (c *catText) Put(r capture.Record) error {
	b := fmt.Appendf(c.line[:0], "%7d  ", r.Seq)
	if r.Time.IsZero() {
		b = append(b, "-                              "...)
	} else {
		b = r.Time.UTC().AppendFormat(b, "2006-01-02 15:04:05.000000000Z ")
	}
	if r.Packet > 0 {
		b = fmt.Appendf(b, "packet %-6d ", r.Packet)
	}
	arrow := "→"
	if r.From == capture.FromServer {
		arrow = "←"
	}
	if r.Kind == capture.Open || r.Kind == capture.Close && r.Both {
		arrow = "—"
	}
	b = fmt.Appendf(b, "%d %s %s %s  ", r.Conn.ID, addr(r.Conn.Client), arrow, addr(r.Conn.Server))
	b = append(b, what(&r)...)
	b = append(b, '\n')
	if c.bytes {
		b = appendBarred(b, r.Data)
	}
	c.line = b
	_, err := c.w.Write(b)
	return err
}

// Close has nothing left to do.
func (c *catText) Close() error { return nil }

func addr(a netip.AddrPort) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

// what is a record in words.
func what(r *capture.Record) string {
	switch r.Kind {
	case capture.Open:
		s := "opens"
		if r.Midstream {
			s = "goes on: its beginning was not seen"
		}
		if r.Conn.Network == capture.UDP {
			s += ", udp"
		}
		if r.Conn.Origin == capture.Synthesised {
			s += ", made by an importer"
		}
		return s + ", seen at " + transcript.Safe(r.Conn.Point)
	case capture.Data:
		return plural(len(r.Data), "byte", "bytes")
	case capture.Cipher:
		return plural(len(r.Data), "encrypted byte", "encrypted bytes")
	case capture.Gap:
		if r.Lost < 0 {
			return "bytes are missing, nobody knows how many"
		}
		return plural(int(r.Lost), "byte is missing", "bytes are missing")
	case capture.Handshake:
		return "TLS handshake: " + transcript.TLS(r.TLS)
	case capture.Remark:
		return "remark: " + transcript.Safe(r.Text)
	case capture.Close:
		s := "end"
		if r.Both {
			s = "end of both directions"
		}
		if e := r.End.String(); e != "" {
			s += ": " + e
		}
		return s
	}
	return fmt.Sprintf("kind %d", r.Kind)
}

// appendBarred appends bytes as lines of text, none of which a terminal takes for
// a command.
func appendBarred(b, data []byte) []byte {
	for l := range strings.Lines(string(data)) {
		b = append(b, "        | "...)
		b = append(b, transcript.Safe(strings.TrimRight(l, "\r\n"))...)
		b = append(b, '\n')
	}
	return b
}

// safeLines passes on lines that are fit for a terminal.
type safeLines struct{ w io.Writer }

func (s safeLines) Write(p []byte) (int, error) {
	for l := range strings.Lines(string(p)) {
		if _, err := fmt.Fprintln(s.w, transcript.Safe(strings.TrimRight(l, "\r\n"))); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
