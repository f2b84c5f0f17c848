package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode/transcript"
)

type splitOptions struct {
	files []string
	by    string
	size  string
	out   string
	quiet bool
}

func newSplitCommand() *cobra.Command {
	var o splitOptions
	cmd := &cobra.Command{
		Use:   "split REC... --by device|day|size",
		Short: "Make several recordings of one",
		Long: `Split writes the records of a recording to several, by device, by day (UTC), or by
size. The original stays as it is; its id is noted in the new ones.

By day, a connection goes whole to the day on which it begins. By device, records
go where the session goes that they are part of; what is no device's goes to a
recording of its own ("other"), and a connection that carried several devices is
in each one's recording in part. By size, the recordings are those of a rotation:
each goes on with the connections of the one before, and together, in their order,
they are read as one.
` + exitHelp,
		Example: `  informant split --by day november.cwmp
  informant split --by device -w devices/lab.cwmp lab.cwmp
  informant split --by size --size 100MB november.cwmp`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runSplit(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.by, "by", "", "`what` parts them: device, day or size")
	f.StringVar(&o.size, "size", "100MB", "how many `bytes` a recording may have, about: 500kB, 100MB, 2GiB")
	f.StringVarP(&o.out, "write", "w", "", "`name` of the recordings, of which each gets an addition; else the original's")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "do not list what was written")
	return cmd
}

func runSplit(ctx context.Context, o splitOptions, stdout, stderr io.Writer) error {
	if err := oneOf("by", o.by, "device", "day", "size"); err != nil {
		return err
	}
	if slices.Contains(o.files, "-") {
		return usageError{errors.New("split reads files, not standard input")}
	}
	if o.out == "" {
		o.out = o.files[0]
	}
	bytes, err := parseSize(o.size)
	if err != nil {
		return err
	}
	s := &splitting{splitOptions: o, ctx: ctx, stdout: stdout}
	switch o.by {
	case "size":
		err = s.bySize(bytes)
	case "day":
		err = s.route(func() router { return &byDay{days: map[uint64]string{}} })
	case "device":
		var devices *byDevice
		if devices, err = s.devices(); err == nil {
			err = s.route(func() router { return devices })
		}
	}
	if ctx.Err() != nil {
		return verdict(exitInterrupted)
	}
	if err != nil {
		return err
	}
	if code := (&outcome{damage: s.damage}).report(stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// parseSize reads a number of bytes.
func parseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "kKMGiB ")
	n, err := strconv.ParseFloat(number, 64)
	unit, ok := map[string]float64{"": 1, "B": 1, "K": 1e3, "KB": 1e3, "KIB": 1 << 10, "M": 1e6, "MB": 1e6, "MIB": 1 << 20, "G": 1e9, "GB": 1e9, "GIB": 1 << 30}[strings.ToUpper(strings.TrimSpace(text[len(number):]))]
	if err != nil || !ok || n*unit < 1 || n*unit > 1<<60 {
		return 0, usageError{fmt.Errorf("--size %q: it takes a number of bytes such as 500kB, 100MB or 2GiB", text)}
	}
	return int64(n * unit), nil
}

// splitting is what splitting needs.
type splitting struct {
	splitOptions
	ctx    context.Context
	stdout io.Writer
	damage []error
	header recording.Header
}

func (s *splitting) open() (*inputs, error) {
	in, err := openInputs(s.files, opening{meter: &meter{}, accept: onlyRecordings})
	if err != nil {
		return nil, err
	}
	if len(in.sources) == 0 {
		return nil, errors.Join(append(in.damage, in.Close())...)
	}
	s.header = madeOf("split", in)
	return in, nil
}

// each reads all records once.
func (s *splitting) each(f func(capture.Record) error) error {
	in, err := s.open()
	if err != nil {
		return err
	}
	err = eachRecord(s.ctx, in, func(r capture.Record, _ int) error { return f(r) })
	s.damage = in.damage
	if newer := newerRecords(in.sources); newer != nil {
		s.damage = append(s.damage, newer)
	}
	return errors.Join(err, in.Close())
}

// named is the name of a part.
func (s *splitting) named(part string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 128 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '_'
	}, part)
	suffix := filepath.Ext(s.out)
	return strings.TrimSuffix(s.out, suffix) + "-" + clean + ".cwmp"
}

func (s *splitting) wrote(name string) {
	if !s.quiet {
		fmt.Fprintln(s.stdout, transcript.Safe(name))
	}
}

func (s *splitting) create(name string, max int64) (*recording.Files, error) {
	f, err := recording.Create(recording.FilesOptions{
		Name: literal(name), MaxBytes: max, Rotated: s.wrote, Writer: recording.WriterOptions{Header: s.header},
	})
	return f, taken(name, err)
}

func (s *splitting) bySize(max int64) error {
	var out *recording.Files
	err := s.each(func(r capture.Record) (err error) {
		if out == nil {
			if out, err = s.create(s.named("1"), max); err != nil {
				return err
			}
		}
		return out.Put(r)
	})
	if out != nil {
		err = errors.Join(err, out.Close())
	}
	return err
}

// router says where records go.
type router interface {
	// part is the name of the part that a record goes to, "" where nothing tells it
	// yet.
	part(r *capture.Record) string
}

// openParts is how many parts are written at a time. Of more, the input is read
// again.
const openParts = 64

// route writes each record where a router says.
func (s *splitting) route(make func() router) error {
	done := map[string]bool{}
	for more := true; more; {
		pass := &parting{splitting: s, router: make(), done: done, parts: map[string]*outPart{}, waits: map[uint64][]capture.Record{}}
		err := s.each(pass.put)
		if e := pass.close(); err == nil {
			err = e
		}
		if err != nil || s.ctx.Err() != nil {
			return err
		}
		more = pass.more
	}
	return nil
}

// parting is one reading of the input.
type parting struct {
	*splitting
	router router
	done   map[string]bool // parts that were written before
	parts  map[string]*outPart
	names  []string
	waits  map[uint64][]capture.Record // by connection: nothing tells yet where they go
	more   bool                        // there are parts that another reading has to write
}

// outPart is a recording that is written.
type outPart struct {
	files *recording.Files
	conns map[uint64]bool // that are open in it
}

func (p *parting) put(r capture.Record) error {
	part := p.router.part(&r)
	waiting := p.waits[r.Conn.ID]
	if part == "" {
		if r.Kind != capture.Close || !r.Both {
			r.Data = slices.Clone(r.Data)
			p.waits[r.Conn.ID] = append(waiting, r)
			return nil
		}
		part = "undated"
	}
	delete(p.waits, r.Conn.ID)
	for _, w := range waiting {
		if err := p.write(part, w); err != nil {
			return err
		}
	}
	return p.write(part, r)
}

func (p *parting) write(part string, r capture.Record) error {
	if p.done[part] {
		return nil
	}
	out := p.parts[part]
	if out == nil {
		if len(p.parts) == openParts {
			p.more = true
			return nil
		}
		f, err := p.create(p.splitting.named(part), 0)
		if err != nil {
			return err
		}
		out = &outPart{f, map[uint64]bool{}}
		p.parts[part] = out
		p.names = append(p.names, part)
	}
	if !out.conns[r.Conn.ID] {
		out.conns[r.Conn.ID] = true
		if r.Kind != capture.Open {
			if err := out.files.Put(capture.Record{Conn: r.Conn, Kind: capture.Open, Midstream: true}); err != nil {
				return err
			}
		}
	}
	if r.Kind == capture.Close && r.Both {
		delete(out.conns, r.Conn.ID)
	}
	return out.files.Put(r)
}

// close writes what waits and closes the parts, in the order of their beginning.
func (p *parting) close() error {
	var err error
	for _, list := range p.waits {
		for _, r := range list {
			if e := p.write("undated", r); err == nil {
				err = e
			}
		}
	}
	for _, name := range p.names {
		if e := p.parts[name].files.Close(); err == nil {
			err = e
		}
		p.done[name] = true
	}
	return err
}

// byDay sends connections to the day on which they begin.
type byDay struct{ days map[uint64]string }

func (b *byDay) part(r *capture.Record) string {
	day := b.days[r.Conn.ID]
	if day == "" && !r.Time.IsZero() {
		day = r.Time.UTC().Format("20060102")
		b.days[r.Conn.ID] = day
	}
	if r.Kind == capture.Close && r.Both {
		delete(b.days, r.Conn.ID)
	}
	return day
}

// byDevice sends records to their session's device.
type byDevice struct{ owners map[uint64][]owned }

// owned is the part of a connection that is a device's, up to a record.
type owned struct {
	last   uint64
	device string
}

// other is where records go that are no device's.
const other = "other"

// devices reads everything once, to find whose it is.
func (s *splitting) devices() (*byDevice, error) {
	b := &byDevice{map[uint64][]owned{}}
	x := newIndexer()
	take := func(list []recording.Found) {
		for _, f := range list {
			for _, span := range f.Spans {
				if f.Entry.Device != "" {
					b.owners[span.Conn] = append(b.owners[span.Conn], owned{span.Last, f.Entry.Device})
				}
			}
		}
	}
	err := s.each(func(r capture.Record) error {
		take(x.Feed(r))
		return nil
	})
	take(x.Finish())
	for _, list := range b.owners {
		slices.SortFunc(list, func(a, b owned) int { return int(int64(a.last) - int64(b.last)) })
	}
	return b, err
}

func (b *byDevice) part(r *capture.Record) string {
	list := b.owners[r.Conn.ID]
	for _, o := range list {
		if r.Seq <= o.last {
			return o.device
		}
	}
	if len(list) > 0 {
		return list[len(list)-1].device
	}
	return other
}
