package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"informant/capture"
	"informant/capture/httptext"
	"informant/capture/recording"
	"informant/decode"
	"informant/decode/diff"
	"informant/decode/transcript"
	"informant/replay"
	"informant/replay/judge"
)

func newReplayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay {cpe | acs} FILE...",
		Short: "Play the recorded CPE against an ACS, or the recorded ACS against a CPE",
		Long: `Replay plays one side of recorded sessions against the real other side, and says
whether it still does what it did.`,
		Example: `  informant replay cpe --acs http://acs.example:7547/ office.cwmp
  informant replay acs --listen :7547 office.cwmp`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("replay what? %q is neither cpe nor acs", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newReplayCPECommand(), newReplayACSCommand())
	return cmd
}

const replayExitHelp = `
Exit codes:
  0    the same as recorded
  1    something differs
  2    usage or I/O; also a file that is no capture, or is empty
  3    no verdict was possible: the connection was lost, or the recording has no
       session that could be played (1 wins over 3)
  130  interrupted`

// replayOptions are those of both sides.
type replayOptions struct {
	files       []string
	pick        pickFlags
	rules       string
	only        string
	accept      bool
	output      string
	color       string
	out         string
	checks      string
	timeout     time.Duration
	answer      time.Duration
	seed        uint64
	rate        float64
	dryRun      bool
	showSecrets bool
	quiet       bool
	tls         tlsOptions
	seeded      bool
}

func (o *replayOptions) add(cmd *cobra.Command) {
	f := cmd.Flags()
	o.pick.add(cmd)
	f.StringVar(&o.rules, "rules", "", "`file` (YAML) that says in what values may differ")
	f.StringVar(&o.only, "only", "", "compare only these `steps`: message numbers and methods (1-5,9,GetParameterValues)")
	f.BoolVar(&o.accept, "accept", false, "let what happened take the place of FILE, a recording or a .txtar, as what is expected")
	f.StringVarP(&o.output, "output", "o", "text", "`form` of the verdict: text, json (one object per line), junit or tap")
	f.StringVar(&o.color, "color", "auto", "`when`: auto, always or never")
	f.StringVarP(&o.out, "write", "w", "", "record what happens to a file of this `name`")
	f.StringVar(&o.checks, "checks", "strict", "`profile` of the checks: strict, field or none")
	f.DurationVar(&o.timeout, "timeout", 0, "how long all of it may take (0: no limit)")
	f.DurationVar(&o.answer, "answer-timeout", 30*time.Second, "how long the other side may take for a message")
	f.Uint64Var(&o.seed, "seed", 0, "make every random choice repeatable by this `number`")
	f.Float64Var(&o.rate, "rate", 50, "send at most so many `messages` per second (0: no limit)")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be done, and do nothing")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "do not mask passwords, keys and credentials")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing on the way: the verdict alone")
	o.tls.addBoth(f)
}

// parse reads what flags say in words.
func (o *replayOptions) parse(cmd *cobra.Command, args []string) (*rehearsal, error) {
	o.files, o.seeded = args, cmd.Flags().Changed("seed")
	return o.rehearse(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
}

// rehearse reads the recordings and what flags say.
func (o *replayOptions) rehearse(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (*rehearsal, error) {
	if err := oneOf("output", o.output, "text", "json", "junit", "tap"); err != nil {
		return nil, err
	}
	color, err := colored(o.color, stdout)
	if err != nil {
		return nil, err
	}
	r := &rehearsal{o: o, stdout: stdout, stderr: stderr, color: color}
	if r.opts, r.choice, err = checkOptions(o.checks, nil); err != nil {
		return nil, err
	}
	if r.choice.pick, err = o.pick.parse(); err != nil {
		return nil, err
	}
	if r.rules, err = readRules(o.rules); err != nil {
		return nil, err
	}
	if r.only, err = parseSteps(o.only); err != nil {
		return nil, err
	}
	if o.rate < 0 {
		return nil, usageError{fmt.Errorf("--rate %v: it takes a number of messages per second, 0 for no limit", o.rate)}
	}
	if o.rate > 0 {
		r.rate = rate.NewLimiter(rate.Limit(o.rate), max(1, int(o.rate/10)))
	}
	if o.seeded {
		r.random = replay.NewRandom(o.seed)
	}
	if o.accept && len(o.files) != 1 {
		return nil, usageError{errors.New("--accept takes one FILE, whose place it takes")}
	}
	if err := r.read(ctx, stdin); err != nil {
		return nil, err
	}
	return r, nil
}

// rehearsal is a replay: what was recorded, and what happens now.
type rehearsal struct {
	o              *replayOptions
	opts           decode.Options
	choice         selection
	rules          []diff.Rule
	only           *steps
	rate           *rate.Limiter
	identity       replay.Identity // of the CPE that is played
	random         *replay.Random
	color          bool
	stdout, stderr io.Writer

	// Of the recording.
	sessions []diff.Side              // those to play
	left     []string                 // why the others can't be
	models   map[string]*replay.Model // by device
	files    map[string][]byte        // that were fetched, by URL
	damage   []error
	others   bool // there are sessions that were not asked for

	// Of now; mu covers what was played.
	witness judge.Witness
	mu      sync.Mutex
	played  []judge.Performance
}

// read reads the recordings.
func (r *rehearsal) read(ctx context.Context, stdin io.Reader) error {
	r.models, r.files = map[string]*replay.Model{}, map[string][]byte{}
	in, err := openInputs(r.o.files, opening{stdin: stdin, meter: &meter{}})
	if err != nil {
		return err
	}
	var d decode.Decoder
	d.Options = r.opts
	for ctx.Err() == nil {
		x, err := in.Next()
		if err != nil {
			break
		}
		r.learn(d.Feed(x))
	}
	r.learn(d.Finish())
	r.damage = in.damage
	if err := in.Close(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return verdict(exitInterrupted)
	}
	slices.SortStableFunc(r.sessions, func(a, b diff.Side) int { return a.Session.Start.Compare(b.Session.Start) })
	return nil
}

// learn takes what was decoded of the recording.
func (r *rehearsal) learn(items []decode.Item) {
	for _, it := range items {
		if x := it.Transfer; x != nil && x.Method == "GET" && x.Status == 200 && x.Exchange.Response != nil && x.Exchange.Response.Complete {
			r.files[x.URL] = []byte(x.Exchange.Response.Body)
		}
		if it.Kind != decode.SessionItem {
			continue
		}
		s := it.Session
		if r.models[s.Device.Key()] == nil {
			r.models[s.Device.Key()] = replay.Learn()
		}
		r.models[s.Device.Key()].Learn(s)
		name := "session " + transcript.SessionName(s)
		if s.Fragment {
			name = "fragment " + transcript.SessionName(s)
		}
		if !r.choice.takes(s) {
			r.others = true
		} else if err := replay.Playable(s); err != nil {
			r.left = append(r.left, name+" can't be played: "+strings.TrimPrefix(err.Error(), "replay: "))
		} else {
			r.sessions = append(r.sessions, diff.Side{Session: s, Findings: it.Findings})
		}
	}
}

// ready says what can't be played, and whether there is something that can.
func (r *rehearsal) ready() error {
	for _, err := range r.damage {
		fmt.Fprintf(r.stderr, "informant: %v\n", err)
	}
	for _, line := range r.left {
		fmt.Fprintf(r.stderr, "informant: %s\n", line)
	}
	switch {
	case len(r.sessions) > 0:
		return nil
	case len(r.left) == 0 && r.others:
		fmt.Fprintf(r.stderr, "informant: %v\n", noSession(&r.choice))
	case len(r.left) == 0:
		fmt.Fprintln(r.stderr, "informant: there is no session in what was read: nothing to replay")
	}
	return verdict(exitIncomplete)
}

// begin begins to record.
func (r *rehearsal) begin() error {
	r.witness.Decode = r.opts
	if r.o.out != "" {
		if err := r.record(r.o.out); err != nil {
			return err
		}
	}
	if !r.o.accept {
		return nil
	}
	if r.others || len(r.left) > 0 {
		return usageError{errors.New("--accept: there are sessions in the file that would not be played, and would be lost; write those that are to stay to a file of their own first ('informant export')")}
	}
	own := r.o.files[0] + acceptedSuffix
	switch path.Ext(r.o.files[0]) {
	case ".cwmp":
		return r.record(own)
	case ".txtar":
		f, err := os.OpenFile(own, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return taken(own, err)
		}
		r.witness.Sinks = append(r.witness.Sinks, &textFile{httptext.NewWriter(f), f})
		return nil
	}
	return usageError{fmt.Errorf("--accept: %s is neither a recording (.cwmp) nor a text (.txtar): make one of it with 'informant import' or 'informant export'", transcript.Safe(r.o.files[0]))}
}

// acceptedSuffix is behind the name of what --accept writes, until it takes its
// place.
const acceptedSuffix = ".accepted"

// record begins a recording.
func (r *rehearsal) record(name string) error {
	files, err := recording.Create(recording.FilesOptions{Name: literal(name), Writer: recording.WriterOptions{Header: recording.NewHeader(os.Args)}})
	if err != nil {
		return taken(name, err)
	}
	r.witness.Sinks = append(r.witness.Sinks, files)
	return nil
}

// textFile is records as text in a file.
type textFile struct {
	capture.Sink
	f *os.File
}

func (t *textFile) Close() error { return errors.Join(t.Sink.Close(), t.f.Close()) }

// done takes what came of a session.
func (r *rehearsal) done(x replay.Report, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.played = append(r.played, judge.Performance{Report: x, Err: err})
	if !r.o.quiet {
		how := "played"
		if err != nil {
			how = strings.TrimPrefix(err.Error(), "replay: ")
		}
		fmt.Fprintf(r.stderr, "informant: session %s of %s: %s\n", transcript.SessionName(x.Recorded), transcript.Safe(x.Recorded.Device.Key()), transcript.Safe(how))
	}
}

// say says something on the way.
func (r *rehearsal) say(format string, args ...any) {
	if !r.o.quiet {
		fmt.Fprintln(r.stderr, "informant: "+transcript.Safe(fmt.Sprintf(format, args...)))
	}
}

// end judges, tells, and returns the exit code.
func (r *rehearsal) end(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := r.witness.Close()
	o := judge.Options{Rules: r.rules, Identity: r.identity}
	if r.only != nil {
		o.Only = r.only.take
	}
	list := r.witness.Judge(r.sessions, r.played, o)
	if err := r.report(list); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("the recording could not be written: %w", failed)
	}
	code := exitOK
	for _, v := range list {
		switch {
		case v.Judgement == judge.Different:
			code = exitFindings
		case v.Judgement == judge.None && code == exitOK:
			code = exitIncomplete
		}
	}
	if len(r.damage)+len(r.left) > 0 && code == exitOK {
		code = exitIncomplete
	}
	if r.o.accept {
		if err := r.replace(list); err != nil {
			return err
		}
		code = exitOK
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) && code == exitOK {
		code = exitInterrupted
	}
	if code != exitOK {
		return verdict(code)
	}
	return nil
}

// replace puts what happened in the place of what was recorded, where all of it was
// played.
func (r *rehearsal) replace(list []judge.Verdict) error {
	name := r.o.files[0]
	for _, v := range list {
		if v.Judgement == judge.None {
			err := fmt.Errorf("--accept: session %s was not played to its end: %s; %s stays as it was", transcript.SessionName(v.Recorded.Session), v.Reason, transcript.Safe(name))
			return errors.Join(err, os.Remove(name+acceptedSuffix))
		}
	}
	if err := os.Rename(name+acceptedSuffix, name); err != nil {
		return err
	}
	r.say("%s is what happened now", name)
	return nil
}

// context is bounded by --timeout.
func (r *rehearsal) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.o.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, r.o.timeout, fmt.Errorf("--timeout %s is over: %w", r.o.timeout, context.DeadlineExceeded))
}
