package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"informant/capture"
	"informant/capture/httptext"
	"informant/capture/pcap"
	"informant/capture/recording"
	"informant/decode"
	"informant/decode/export"
	"informant/decode/transcript"
)

// reading is what the first reading of the files tells the second.
type reading struct {
	comments export.Comments
	origins  origins
	spans    map[uint64][]recording.Span // of the sessions that were chosen, by connection; nil for all
	chosen   int
	header   []string

	// Of the second reading.
	where      map[*capture.Conn]*[2]int64 // how far each direction has been read
	begin, end int64                       // where the present record's bytes are in its direction
}

// records writes the records of the files: as packets or as text.
func (x *exporting) records(w io.Writer) error {
	kept, err := keepPipes(x.ctx, x.o.files, x.stdin)
	if err != nil {
		return err
	}
	defer kept.close()
	first := &reading{origins: origins{ctx: x.ctx}}
	if x.o.as == "pcapng" || !x.choice.all() {
		if err := x.look(kept, first); err != nil {
			return err
		}
	}
	out := x.sink(w, first)
	in, m, err := x.open(kept, nil)
	if err != nil {
		return err
	}
	err = eachRecord(x.ctx, in, func(r capture.Record, n int) error {
		if n%1024 == 0 {
			m.tick()
		}
		if first.follow(&r); !first.wants(&r) {
			return nil
		}
		return out.Put(r)
	})
	m.done()
	if err == nil {
		err = out.Close()
	}
	return x.end(in, first, err)
}

// sink writes records in the form asked for.
func (x *exporting) sink(w io.Writer, first *reading) capture.Sink {
	if x.o.as == "txtar" {
		return httptext.NewWriter(w)
	}
	by := recording.NewHeader(os.Args)
	lines := append([]string{fmt.Sprintf("exported by %s on %s: %s", by.Tool, by.Host, by.Command)}, first.header...)
	lines = append(lines, first.comments.Loose()...)
	for i := range lines {
		lines[i] = transcript.Safe(lines[i])
	}
	return pcap.NewWriter(w, pcap.WriterOptions{Application: by.Tool, Comment: strings.Join(lines, "\n"), Describe: first.describe})
}

// end closes the inputs and says what was wrong.
func (x *exporting) end(in *inputs, first *reading, err error) error {
	o := &outcome{interrupted: x.ctx.Err() != nil}
	if !o.interrupted {
		if e := in.Close(); e != nil {
			in.damage = append(in.damage, e)
		}
		o.damage = in.damage
	}
	if err != nil {
		return err
	}
	if n := first.comments.Dropped(); n > 0 {
		fmt.Fprintf(x.stderr, "informant: %s not written as comments: there are too many\n", plural(n, "finding is", "findings are"))
	}
	if code := o.report(x.stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// open opens the files, which may be read several times.
func (x *exporting) open(kept *pipes, prepare func(*input) error) (*inputs, *meter, error) {
	m := &meter{}
	n := -1
	in, err := openInputs(kept.names, opening{stdin: x.stdin, meter: m, prepare: func(f *input) error {
		n++
		f.name = kept.shown[n]
		if prepare == nil {
			return nil
		}
		return prepare(f)
	}})
	if err != nil {
		return nil, nil, err
	}
	if len(in.sources) == 0 {
		code := (&outcome{damage: in.damage}).report(x.stderr)
		return nil, nil, errors.Join(in.Close(), verdict(code))
	}
	in.byIndex(&x.choice)
	if !x.o.quiet && isTerminal(x.stderr) {
		m.show(x.stderr)
	}
	return in, m, nil
}

// look reads everything once, for the findings and for which records belong to
// the sessions that were chosen.
func (x *exporting) look(kept *pipes, first *reading) error {
	in, m, err := x.open(kept, first.origins.prepare)
	if err != nil {
		return err
	}
	first.header = sourceLines(in, &first.origins)
	d := decode.Decoder{Options: x.opts}
	var index *indexer
	if !x.choice.all() {
		index, first.spans = newIndexer(), map[uint64][]recording.Span{}
	}
	err = eachRecord(x.ctx, in, func(r capture.Record, n int) error {
		if n%1024 == 0 {
			m.tick()
		}
		first.items(d.Feed(r), &x.choice)
		if index != nil {
			first.found(index.Feed(r), &x.choice)
		}
		return nil
	})
	m.done()
	if err != nil || x.ctx.Err() != nil {
		if x.ctx.Err() == nil {
			err = errors.Join(err, in.Close())
		}
		if err == nil {
			err = verdict(exitInterrupted)
		}
		return err
	}
	first.items(d.Finish(), &x.choice)
	if index != nil {
		first.found(index.Finish(), &x.choice)
		if first.chosen == 0 {
			return errors.Join(noSession(&x.choice), in.Close())
		}
	}
	return in.Close()
}

// items keeps what is told of the sessions that were chosen.
func (f *reading) items(items []decode.Item, c *selection) {
	for i := range items {
		it := items[i]
		if c.none || !c.all() && !c.sessionChosen(&it) {
			continue
		}
		c.rename(&it)
		f.comments.Feed(it)
	}
}

// found keeps where the records of chosen sessions are.
func (f *reading) found(list []recording.Found, c *selection) {
	for i := range list {
		e := &list[i].Entry
		if e.ID == [16]byte{} || !c.entryChosen(e) {
			continue
		}
		f.chosen++
		for _, s := range list[i].Spans {
			f.spans[s.Conn] = append(f.spans[s.Conn], s)
		}
	}
}

// entryChosen says whether a session is one that is asked for.
func (c *selection) entryChosen(e *recording.Entry) bool {
	if c.names != nil {
		_, ok := c.names[e.ID]
		return ok
	}
	return c.matches(e.Name, e.ID, e.Device, e.Start)
}

// wants says whether a record belongs to what is exported.
func (f *reading) wants(r *capture.Record) bool {
	return f.spans == nil || slices.ContainsFunc(f.spans[r.Conn.ID], func(s recording.Span) bool { return s.First <= r.Seq && r.Seq <= s.Last })
}

// follow counts the bytes of each direction, as http1 does.
func (f *reading) follow(r *capture.Record) {
	if f.where == nil {
		f.where = map[*capture.Conn]*[2]int64{}
	}
	at := f.where[r.Conn]
	if at == nil {
		at = new([2]int64)
		f.where[r.Conn] = at
	}
	f.begin = at[r.From]
	at[r.From] += int64(len(r.Data)) + max(r.Lost, 0)
	f.end = at[r.From]
	if r.Kind == capture.Close && r.Both {
		delete(f.where, r.Conn)
	}
}

// describe says what is to stand at the packets of the present record.
func (f *reading) describe(r *capture.Record) string {
	if f.begin == f.end {
		return ""
	}
	return f.comments.At(r.Conn.ID, r.From, f.begin, f.end)
}

// pipes are inputs that can be read once, kept in files.
type pipes struct {
	names []string // what to open
	shown []string // what they are called
	files []string // to be removed
}

// keepPipes copies what is no regular file to one.
func keepPipes(ctx context.Context, names []string, stdin io.Reader) (*pipes, error) {
	p := &pipes{}
	for _, name := range names {
		open, shown := name, transcript.Safe(name)
		if st, err := os.Stat(name); name == "-" || err == nil && !st.Mode().IsRegular() && !st.IsDir() {
			f, err := openInput(name, stdin)
			if err == nil {
				shown = f.name
				open, err = p.keep(ctx, f)
			}
			if err != nil {
				p.close()
				return nil, err
			}
		}
		p.names, p.shown = append(p.names, open), append(p.shown, shown)
	}
	return p, nil
}

func (p *pipes) keep(ctx context.Context, f *input) (name string, err error) {
	defer f.close()
	tmp, err := os.CreateTemp("", "informant-*")
	if err != nil {
		return "", err
	}
	p.files = append(p.files, tmp.Name())
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(tmp, f.r)
		done <- errors.Join(named(f.name, err), tmp.Close())
	}()
	select {
	case err = <-done:
		return tmp.Name(), err
	case <-ctx.Done():
		return "", verdict(exitInterrupted)
	}
}

func (p *pipes) close() {
	for _, name := range p.files {
		os.Remove(name)
	}
}
