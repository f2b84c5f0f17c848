package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"informant/capture"
	"informant/capture/httptext"
	"informant/capture/pcap"
	"informant/capture/recording"
	"informant/capture/scenario"
	"informant/decode/transcript"
)

// readable is what the verbs read, for messages.
const readable = "informant reads pcap and pcapng (also gzip or zstd), recordings, HTTP messages or SOAP envelopes as text, and scenarios"

// input is an opened file.
type input struct {
	name  string // as it was given, made fit for a terminal; "stdin" for -
	size  int64  // 0 where unknown
	live  bool   // no regular file
	r     io.Reader
	file  *os.File // where it is a regular file
	close func() error
}

// opening says how inputs are opened.
type opening struct {
	stdin   io.Reader
	meter   *meter             // sees the bytes as they are read from the files
	prepare func(*input) error // is called with each file before it is read; may be nil
	accept  func(kind) error   // says which kinds are not wanted; may be nil
	several bool               // there is more than one
}

// openInputs opens files and makes one source of them: all captures together,
// merged by time, then each recording and each text on its own, recordings that
// follow each other as one. Of several files those that cannot be read are kept
// in damage; the one that is alone is an error. Closing the source closes the
// files.
func openInputs(names []string, o opening) (*inputs, error) {
	all := &inputs{}
	o.several = len(names) > 1
	var captures []pcap.Input
	for _, name := range names {
		capt, err := all.add(name, o)
		if err != nil && len(names) == 1 && !errors.Is(err, capture.ErrDamaged) {
			all.Close()
			return nil, err
		}
		if err != nil {
			all.damage = append(all.damage, err)
		}
		captures = append(captures, capt...)
	}
	if o.meter.total >= longInput {
		muchToRead()
	}
	if len(captures) > 0 {
		src, err := pcap.NewSource(captures, pcap.Options{})
		if err != nil {
			all.Close()
			return nil, err
		}
		all.packets = src
		all.sources = append([]capture.Source{src}, all.sources...)
	}
	return all, nil
}

// add opens a file. A text or a recording becomes a source, a capture is
// returned, after a look at its header where it is one of several.
func (in *inputs) add(name string, o opening) ([]pcap.Input, error) {
	f, err := openInput(name, o.stdin)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, f.close)
	in.live = in.live || f.live
	if o.prepare != nil {
		if err := o.prepare(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, bare(err))
		}
	}
	o.meter.add(f.size)
	r, kind, err := sniff(f, o.meter)
	if err == nil && o.accept != nil {
		err = named(f.name, o.accept(kind))
	}
	switch {
	case err != nil:
		return nil, err
	case kind == kindRecording:
		return nil, in.addRecording(f, r)
	case kind != kindCapture:
		src, err := textSource(kind, f.name, r)
		if err == nil {
			in.sources = append(in.sources, src)
		}
		return nil, err
	}
	if raw, ok := r.(*bufio.Reader); ok && o.several && !f.live {
		if err := captureBegins(f.name, raw); err != nil {
			return nil, err
		}
	}
	return []pcap.Input{{Name: f.name, R: r}}, nil
}

// captureBegins says what keeps a capture from being opened, by its first bytes
// alone, so that the others can be.
func captureBegins(name string, r *bufio.Reader) error {
	first, _ := r.Peek(r.Size())
	src, err := pcap.NewSource([]pcap.Input{{Name: name, R: bytes.NewReader(first)}}, pcap.Options{})
	if err != nil {
		return err
	}
	return src.Close()
}

func openInput(name string, stdin io.Reader) (*input, error) {
	if name == "-" {
		in := &input{name: "stdin", r: stdin, live: true, close: func() error { return nil }}
		if f, ok := stdin.(*os.File); ok {
			st, err := f.Stat()
			if in.live = err != nil || !st.Mode().IsRegular(); !in.live {
				in.size = st.Size()
			}
		}
		return in, nil
	}
	shown := transcript.Safe(name)
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, bare(err))
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = errors.New("is a directory; name the files in it")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", shown, bare(err))
	}
	in := &input{name: shown, r: f, close: f.Close}
	if in.live = !st.Mode().IsRegular(); !in.live {
		in.size, in.file = st.Size(), f
	}
	return in, nil
}

// bare is the error without the operation and the path, which the message
// names already.
func bare(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// named says which input an error is of.
func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, bare(err))
}

// kind is what a file is.
type kind uint8

const (
	kindCapture kind = iota
	kindHTTP
	kindScenario
	kindRecording
)

// sniff tells by the first bytes what a file is. Compression is left to the
// source of captures, which knows how to speak of it, and undone for texts.
func sniff(in *input, meter *meter) (io.Reader, kind, error) {
	raw := bufio.NewReaderSize(meter.reader(in.r), 64<<10)
	switch first, _ := raw.Peek(24); { // more may not be there yet
	case recording.Sniff(first):
		return raw, kindRecording, nil
	case pcap.Sniff(first):
		return raw, kindCapture, nil
	}
	first, err := raw.Peek(64 << 10)
	if len(first) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("%s: %w", in.name, bare(err))
	}
	prefix, packed, err := unpackedPrefix(first)
	switch {
	case len(first) == 0:
		return nil, 0, fmt.Errorf("%s: %w: the file has no bytes; %s", in.name, capture.ErrEmpty, readable)
	case len(prefix) == 0 && err != nil:
		return nil, 0, fmt.Errorf("%s: %w", in.name, err)
	case len(prefix) == 0:
		return nil, 0, fmt.Errorf("%s: %w: %s of nothing; %s", in.name, capture.ErrEmpty, packed, readable)
	case pcap.Sniff(prefix):
		return raw, kindCapture, nil
	case recording.Sniff(prefix):
		r, _, err := pcap.Decompress(raw)
		return r, kindRecording, err
	case scenario.Sniff(prefix):
		r, _, err := pcap.Decompress(raw)
		return r, kindScenario, err
	case httptext.Sniff(prefix):
		r, _, err := pcap.Decompress(raw)
		return r, kindHTTP, err
	}
	what := pcap.Describe(prefix)
	if packed != "" {
		what = packed + " of " + what
	}
	return nil, 0, fmt.Errorf("%s: %w: it looks like %s; %s", in.name, capture.ErrFormat, what, readable)
}

// unpackedPrefix is the beginning of what is packed in a file that begins with
// first. The error matters only where there is nothing.
func unpackedPrefix(first []byte) (prefix []byte, packed string, err error) {
	r, packed, err := pcap.Decompress(bytes.NewReader(first))
	if err != nil {
		return nil, packed, err
	}
	prefix = make([]byte, 4096)
	n, err := io.ReadFull(r, prefix)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return prefix[:n], packed, err
}

func textSource(k kind, name string, r io.Reader) (capture.Source, error) {
	if k == kindScenario {
		return scenario.NewSource(name, r)
	}
	return httptext.NewSource(name, r)
}

// inputs yields the records of several sources, one after the other. With
// more than one, connections are copied so that their IDs stay unique.
type inputs struct {
	packets *pcap.Source // nil where there are no captures
	sources []capture.Source
	closers []func() error
	at      int
	number  numbering
	conns   map[*capture.Conn]*capture.Conn // of sources[at]
	live    bool                            // one of them is a pipe: what will come may not be there yet
	damage  []error                         // of what could not be read: that it is damaged, or that it is nothing readable
}

// Next returns the next record of all inputs, io.EOF after the last. What of
// an input could not be read is kept in damage, and the next one begins; so it
// does when a reader panics.
func (in *inputs) Next() (capture.Record, error) {
	for in.at < len(in.sources) {
		r, err := next(in.sources[in.at])
		if err == nil {
			if len(in.sources) > 1 {
				if in.conns == nil {
					in.conns = map[*capture.Conn]*capture.Conn{}
				}
				in.number.own(&r, in.conns)
			}
			return r, nil
		}
		if !errors.Is(err, io.EOF) || errors.Is(err, capture.ErrDamaged) {
			in.damage = append(in.damage, err)
		}
		in.at++
		in.conns = nil
	}
	return capture.Record{}, io.EOF
}

// ready says whether the next record is there already. Of a source that doesn't
// say, it isn't.
func (in *inputs) ready() bool {
	if in.at >= len(in.sources) {
		return false
	}
	s, ok := in.sources[in.at].(interface{ Ready() bool })
	return ok && s.Ready()
}

// next is the source's next record; its panic becomes a failure.
func next(s capture.Source) (r capture.Record, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = failure{"reading", x}
		}
	}()
	return s.Next()
}

// numbering numbers records and connections of several sources anew, so that no
// two have the same number.
type numbering struct{ seq, conns uint64 }

// own gives r and its connection numbers of their own. known are the connections
// of the same source that are open, with what they became.
func (n *numbering) own(r *capture.Record, known map[*capture.Conn]*capture.Conn) {
	n.seq++
	r.Seq = n.seq
	was := r.Conn
	if was == nil {
		return
	}
	c := known[was]
	if c == nil {
		n.conns++
		own := *was
		own.ID = n.conns
		c = &own
		known[was] = c
	}
	r.Conn = c
	if r.Kind == capture.Close && r.Both {
		delete(known, was)
	}
}

// Close closes the sources and the files, all of them also where one fails, or
// panics: that is told as the panic of a reader is.
func (in *inputs) Close() error {
	var first error
	done := func(close func() error) {
		if err := guarded("closing an input", close); err != nil && first == nil {
			first = err
		}
	}
	for _, s := range in.sources {
		done(s.Close)
	}
	for _, c := range in.closers {
		done(c)
	}
	return first
}
