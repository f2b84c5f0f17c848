package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
)

type mergeOptions struct {
	files []string
	out   string
	sync  bool
	quiet bool
}

func newMergeCommand() *cobra.Command {
	var o mergeOptions
	cmd := &cobra.Command{
		Use:   "merge REC... -w OUT",
		Short: "Make one recording of several, by time",
		Long: `Merge writes the records of several recordings to one, by time. The files of a
rotation, given in their order, go on with their connections. Connections are
numbered anew; what two recordings saw of the same connection stays two. The
originals stay as they are; their ids are noted in the new one.
` + exitHelp,
		Example: `  informant merge north.cwmp south.cwmp -w both.cwmp`,
		Args:    someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runMerge(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "write", "w", "", "the recording's `name`; '-' is standard output")
	f.BoolVar(&o.sync, "sync", false, "wait for the disk after every frame")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no summary")
	return cmd
}

func runMerge(ctx context.Context, o mergeOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if o.out == "" {
		return usageError{errors.New("-w OUT is missing: the recording's name")}
	}
	m := &meter{}
	in, err := openInputs(o.files, opening{stdin: stdin, meter: m, accept: onlyRecordings})
	if err != nil {
		return err
	}
	c := &copying{in: in, ctx: ctx, name: o.out, files: recording.FilesOptions{Out: stdout, Sync: o.sync}, meter: m, quiet: o.quiet, stdout: stdout, stderr: stderr}
	c.files.Writer.Header = madeOf("merged", in)
	if len(in.sources) > 1 {
		in.sources = []capture.Source{&byTime{sources: in.sources}}
	}
	return c.run()
}

// madeOf is the header of a recording that is made of others.
func madeOf(how string, in *inputs) recording.Header {
	h := recording.NewHeader(os.Args)
	seen := map[string]bool{}
	for _, src := range in.sources {
		for _, p := range src.(*recordingSource).parts {
			h.From = append(h.From, how+" "+hexID(p.header.ID))
			for _, line := range p.header.Sources {
				if !seen[line] {
					h.Sources = append(h.Sources, line)
				}
				seen[line] = true
			}
		}
	}
	return h
}

// byTime yields the records of several sources by time, as far as each is in
// order itself.
type byTime struct {
	sources []capture.Source
	lanes   []*lane
	used    *lane // of which the last record was
	number  numbering
	wrong   []error
	told    bool
}

// lane is a source and its next record.
type lane struct {
	src   capture.Source
	next  capture.Record
	at    time.Time // of what is next, or of what was before it
	conns map[*capture.Conn]*capture.Conn
}

// Next yields the earliest of what is next. What can't be read is told at the
// end.
func (b *byTime) Next() (capture.Record, error) {
	if b.lanes == nil {
		for _, s := range b.sources {
			b.advance(&lane{src: s, conns: map[*capture.Conn]*capture.Conn{}}, true)
		}
	} else if b.used != nil {
		b.advance(b.used, false)
	}
	b.used = nil
	for _, l := range b.lanes {
		if b.used == nil || l.at.Before(b.used.at) {
			b.used = l
		}
	}
	if b.used == nil {
		if len(b.wrong) > 0 && !b.told {
			b.told = true
			return capture.Record{}, errors.Join(b.wrong...)
		}
		return capture.Record{}, io.EOF
	}
	r := b.used.next
	b.number.own(&r, b.used.conns)
	return r, nil
}

// advance reads a lane's next record; at its end the lane is gone.
func (b *byTime) advance(l *lane, fresh bool) {
	r, err := l.src.Next()
	if err == nil {
		l.next = r
		if r.Time.After(l.at) {
			l.at = r.Time
		}
		if fresh {
			b.lanes = append(b.lanes, l)
		}
		return
	}
	if !errors.Is(err, io.EOF) || errors.Is(err, capture.ErrDamaged) {
		b.wrong = append(b.wrong, err)
	}
	kept := []*lane{}
	for _, other := range b.lanes {
		if other != l {
			kept = append(kept, other)
		}
	}
	b.lanes = kept
}

// Close closes the sources.
func (b *byTime) Close() error {
	var err error
	for _, s := range b.sources {
		err = errors.Join(err, s.Close())
	}
	return err
}
