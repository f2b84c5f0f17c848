package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/capture/recording/dict"
	"informant/decode/transcript"
)

type sealOptions struct {
	files    []string
	out      string
	key      string
	password string // the file that holds it
	train    bool
	quiet    bool
}

func newSealCommand() *cobra.Command {
	var o sealOptions
	cmd := &cobra.Command{
		Use:   "seal REC...",
		Short: "Give recordings an index and a seal that proves them",
		Long: `Seal rewrites a recording: the records of each session side by side, strongly
compressed, with an index by session, device and time, and a Merkle root over all
of it, signed where a key is given. Not a record is lost, added or changed: 'cat'
of the sealed recording equals 'cat' of the one before.

Without -w each recording is sealed in its place: the sealed file is written
beside it, verified, read back and compared record by record, and only then takes
its place. Where more than the end of a recording is damaged, the original is kept
as NAME.damaged. With -w the recordings, such as the files of a rotation, become
one, and the originals stay as they are.

A recording that is still being written is left alone. What is printed is the
receipt: kept elsewhere, it tells later that the recording is still the same.
` + exitHelp,
		Example: `  informant seal office.cwmp
  informant seal --sign office.key --train office.cwmp
  informant seal office-2026*.cwmp -w november.cwmp`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runSeal(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "write", "w", "", "make one sealed recording of this `name`")
	f.StringVar(&o.key, "sign", "", "sign with the private key in this `file` (see keygen)")
	f.StringVar(&o.password, "password-file", "", "`file` with the key's password; else it is asked for")
	f.BoolVar(&o.train, "train", false, "make a dictionary for these recordings: smaller where sessions are many and alike")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no receipt")
	return cmd
}

func runSeal(ctx context.Context, o sealOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	s := &sealing{sealOptions: o, ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	if slices.Contains(o.files, "-") {
		return usageError{errors.New("seal reads what it seals twice, to compare: standard input has to be put in a file first")}
	}
	if o.key != "" {
		key, err := recording.ReadPrivateKey(o.key, func() (string, error) { return password(o.password, stdin, stderr, false) })
		if err != nil {
			return err
		}
		s.signer = &key
	}
	if o.out != "" {
		return s.together()
	}
	worst := exitOK
	for _, name := range o.files {
		err := s.inPlace(name)
		if ctx.Err() != nil {
			fmt.Fprintf(stderr, "informant: interrupted; %s is as it was\n", transcript.Safe(name))
			return verdict(exitInterrupted)
		}
		if code := exitCode(err, stderr); code != exitOK && (worst == exitOK || code < worst) {
			worst = code
		}
	}
	if worst != exitOK {
		return verdict(worst)
	}
	return nil
}

// sealing is what sealing needs.
type sealing struct {
	sealOptions
	ctx            context.Context
	signer         *recording.PrivateKey
	stdin          io.Reader
	stdout, stderr io.Writer
}

// together makes one sealed recording of all.
func (s *sealing) together() error {
	if s.out == "-" {
		return usageError{errors.New("a sealed recording is verified before it is given out: -w takes the name of a file")}
	}
	if _, err := os.Lstat(s.out); err == nil {
		return taken(s.out, fs.ErrExist)
	}
	in, unlock, err := s.open(s.files)
	if err != nil {
		return err
	}
	defer unlock()
	if len(in.sources) == 0 {
		code := (&outcome{damage: in.damage}).report(s.stderr)
		return errors.Join(in.Close(), verdict(code))
	}
	tmp, statement, err := s.write(in, s.out)
	if tmp != "" {
		defer os.Remove(tmp)
	}
	if err == nil {
		err = in.unfit()
	}
	if err == nil {
		err = s.readBack(tmp, s.files)
	}
	if err == nil {
		err = taken(s.out, giveName(tmp, s.out))
	}
	if s.ctx.Err() != nil {
		fmt.Fprintf(s.stderr, "informant: interrupted; %s was not written\n", transcript.Safe(s.out))
		return verdict(exitInterrupted)
	}
	if err != nil {
		return errors.Join(err, in.Close())
	}
	syncFolder(s.out)
	s.receipt(statement)
	if code := (&outcome{damage: in.damage}).report(s.stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// inPlace seals one recording. It takes the original's place when it is proven
// and the same, record by record.
func (s *sealing) inPlace(name string) error {
	in, unlock, err := s.open([]string{name})
	if err != nil {
		return err
	}
	defer unlock()
	if len(in.sources) == 0 {
		return errors.Join(append(in.damage, in.Close())...)
	}
	src := in.sources[0].(*recordingSource)
	if was := src.statement(); was != nil && s.signer == nil && !s.train {
		in.Close()
		if !s.quiet {
			fmt.Fprintf(s.stdout, "%s\n", was.Receipt())
		}
		fmt.Fprintf(s.stderr, "informant: %s is sealed already\n", transcript.Safe(name))
		return nil
	}
	tmp, statement, err := s.write(in, name)
	if tmp != "" {
		defer os.Remove(tmp) // where it took the original's place it is not there any more
	}
	if err == nil {
		err = in.unfit()
	}
	if err == nil {
		err = s.readBack(tmp, []string{name})
	}
	in.Close()
	if err != nil {
		return err
	}
	if err := s.replace(name, tmp, in.damage); err != nil {
		return err
	}
	s.receipt(statement)
	if code := (&outcome{damage: in.damage}).report(s.stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// replace puts the sealed file in the original's place. An original of which more
// than the end is damaged is kept: another tool may read more of it.
func (s *sealing) replace(name, tmp string, damage []error) error {
	for _, err := range damage {
		if onlyTorn(err) {
			continue
		}
		kept := name + ".damaged"
		if err := os.Link(name, kept); err != nil {
			return taken(kept, err)
		}
		fmt.Fprintf(s.stderr, "informant: %s is damaged; it is kept as %s\n", transcript.Safe(name), transcript.Safe(kept))
		break
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncFolder(name)
}

// onlyTorn says whether all that is wrong is that a file ends within a frame.
func onlyTorn(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if d, is := err.(recording.Damage); is {
			return errors.Is(d.Err, recording.ErrTorn)
		}
		for _, e := range joined.Unwrap() {
			if !onlyTorn(e) {
				return false
			}
		}
		return true
	}
	if inner := errors.Unwrap(err); inner != nil {
		return onlyTorn(inner)
	}
	return errors.Is(err, recording.ErrTorn)
}

// open locks recordings and opens them.
func (s *sealing) open(names []string) (*inputs, func(), error) {
	var locks []func() error
	unlock := func() {
		for _, l := range locks {
			_ = l()
		}
	}
	for _, name := range names {
		if st, err := os.Stat(name); name == "-" || err != nil || !st.Mode().IsRegular() {
			continue // what can't be opened is told there
		}
		l, err := recording.Lock(name)
		if err != nil {
			unlock()
			if errors.Is(err, recording.ErrLocked) {
				err = fmt.Errorf("%s: %w", transcript.Safe(name), recording.ErrLocked)
			}
			return nil, nil, err
		}
		locks = append(locks, l)
	}
	in, err := openInputs(names, opening{stdin: s.stdin, meter: &meter{}, accept: onlyRecordings})
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return in, unlock, nil
}

// onlyRecordings refuses everything else.
func onlyRecordings(k kind) error {
	if k != kindRecording {
		return fmt.Errorf("%w: it is no recording; 'informant import' makes one of it", capture.ErrFormat)
	}
	return nil
}

// write writes a sealed recording to a new file beside name.
func (s *sealing) write(in *inputs, name string) (tmp string, statement recording.Statement, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return "", statement, err
	}
	o := recording.SealOptions{Header: s.header(in), Indexer: newIndexer(), Key: s.signer, Temp: filepath.Dir(name)}
	if s.train {
		o.Train = dict.Train
	}
	m := &meter{}
	if !s.quiet && isTerminal(s.stderr) {
		for _, src := range in.sources {
			for _, p := range src.(*recordingSource).parts {
				m.add(p.size)
			}
		}
		m.show(s.stderr)
		o.Progress = func(_ uint64, n int64) { m.read.Store(n); m.tick() }
	}
	statement, err = recording.Seal(f, &breakable{in, s.ctx}, o)
	m.done()
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return f.Name(), statement, err
}

// header is that of the sealed recording. It is still the one that was recorded
// then and there, where it is one; its id is new.
func (s *sealing) header(in *inputs) recording.Header {
	h := madeOf("sealed", in)
	first := in.sources[0].(*recordingSource).parts
	was := first[0].header
	h.Follows = was.Follows
	if len(in.sources) == 1 && len(first) == 1 {
		h.Created, h.Tool, h.Host, h.User, h.Command, h.Clock = was.Created, was.Tool, was.Host, was.User, was.Command, was.Clock
		h.From = append(was.From, h.From...)
	}
	return h
}

// breakable is inputs that end with an error when their context does.
type breakable struct {
	*inputs
	ctx context.Context
}

func (b *breakable) Next() (capture.Record, error) {
	if err := b.ctx.Err(); err != nil {
		return capture.Record{}, err
	}
	return b.inputs.Next()
}

// readBack proves what was written, and compares it with what it was made of.
func (s *sealing) readBack(tmp string, names []string) error {
	f, err := os.Open(tmp)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	o := recording.VerifyOptions{}
	if s.signer != nil {
		o.Keys = append(o.Keys, s.signer.Public().(recording.PublicKey))
	}
	report, err := recording.Verify(f, st.Size(), o)
	if err != nil {
		return fmt.Errorf("what was written can't be read back: %w", err)
	}
	if !report.OK() {
		return fmt.Errorf("what was written is not what was to be: %v", report.Problems[0])
	}
	sealed, err := recording.NewReader(f, recording.ReaderOptions{})
	if err != nil {
		return err
	}
	defer sealed.Close()
	in, err := openInputs(names, opening{stdin: s.stdin, meter: &meter{}, accept: onlyRecordings})
	if err != nil {
		return err
	}
	defer in.Close()
	return same(&breakable{in, s.ctx}, sealed)
}

func (s *sealing) receipt(statement recording.Statement) {
	if !s.quiet {
		fmt.Fprintln(s.stdout, statement.Receipt())
	}
}

// statement is what the recording says of itself where it is sealed.
func (s *recordingSource) statement() *recording.Statement {
	p := s.parts[0]
	if p.file == nil || len(s.parts) > 1 {
		return nil
	}
	sealed, err := recording.OpenSealed(p.file, p.size)
	if err != nil {
		return nil
	}
	defer sealed.Close()
	statement := sealed.Statement()
	return &statement
}

// giveName gives a file a name that no file has: unlike a rename, a link
// overwrites nothing. Not every file system has links.
func giveName(tmp, name string) error {
	err := os.Link(tmp, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return os.Rename(tmp, name)
}

// syncFolder makes the name of a file last.
func syncFolder(name string) error {
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // not every file system can
	return nil
}
