package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"informant/decode"
	"informant/decode/transcript"
)

type decodeOptions struct {
	files       []string
	output      string
	verbose     int
	pick        pickFlags
	checks      string
	coverage    bool
	all         bool
	showSecrets bool
	color       string
	quiet       bool
	live        bool
}

func newDecodeCommand() *cobra.Command {
	var o decodeOptions
	cmd := &cobra.Command{
		Use:   "decode FILE...",
		Short: "Tell the CWMP sessions of captures and dumps as a transcript",
		Long: `Decode reads captures (pcap, pcapng; also gzip or zstd), recordings, dumps of
HTTP messages or bare SOAP envelopes, and scenarios, and tells their CWMP
sessions as a transcript, the CPE on the left and the ACS on the right, with what
broke TR-069 under the message that did. '-' reads standard input. Several
captures are merged by time.

What selects sessions (--session, --device, --since, --until) makes use of the
index of a sealed recording: nothing else of it is read. (File transfers that a
session ordered are found by decoding everything: 'decode - < REC'.)

Passwords, keys and credentials are masked unless --show-secrets is given.
` + exitHelp,
		Example: `  informant decode capture.pcapng
  informant decode -v --session 3 capture.pcapng
  informant decode --device 00D09E-HomeGateway-4711 --since 2026-11-22 office.cwmp
  informant decode -o json monday.pcap.gz tuesday.pcap.gz | jq .outcome
  tcpdump -i eth0 -c 10000 -w - port 7547 | informant decode -
  tcpdump -i eth0 -U -w - port 7547 | informant decode --live -
  informant decode -vv message-from-a-ticket.txt`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runDecode(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "text", "`form`: text or json (one object per line)")
	f.CountVarP(&o.verbose, "verbose", "v", "all arguments; -vv also the raw HTTP")
	o.pick.add(cmd)
	f.StringVar(&o.checks, "checks", "strict", "`profile` of the checks: strict, field (lenient with what is common) or none")
	f.BoolVar(&o.coverage, "coverage", false, "also which checks could not be decided, and what was not seen")
	f.BoolVar(&o.all, "all", false, "also HTTP that is no CWMP, and connections that are no HTTP")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "do not mask passwords, keys and credentials")
	f.StringVar(&o.color, "color", "auto", "`when`: auto, always or never")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&o.live, "live", false, "tell each message at once, and how its session came out when it is over")
	return cmd
}

func runDecode(ctx context.Context, o decodeOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := oneOf("output", o.output, "text", "json"); err != nil {
		return err
	}
	opts, choice, err := checkOptions(o.checks, nil)
	if err != nil {
		return err
	}
	color, err := colored(o.color, stdout)
	if err != nil {
		return err
	}
	opts.All, opts.Check.Coverage = o.all, o.coverage
	if choice.pick, err = o.pick.parse(); err != nil {
		return err
	}
	var out sink = plain{&transcript.Text{Width: width(stdout), Verbose: o.verbose, Color: color, ShowSecrets: o.showSecrets, All: o.all}}
	if opts.Live = o.live; o.live {
		out = plain{&transcript.Live{Text: transcript.Text{Width: width(stdout), Verbose: o.verbose, Color: color, ShowSecrets: o.showSecrets, All: o.all}}}
	}
	if o.output == "json" {
		out = plain{&transcript.JSON{ShowSecrets: o.showSecrets, All: o.all}}
	}
	res, err := tellFiles(ctx, o.files, stdin, stdout, stderr, o.quiet, &pipeline{opts: opts, choice: choice, sink: out, pool: new(decode.Pool)})
	if err != nil {
		return err
	}
	if res.nothingChosen(&choice) {
		res.report(stderr)
		return noSession(&choice)
	}
	if code := res.report(stderr); code != exitOK {
		return verdict(code)
	}
	return nil
}

// tellFiles opens files, runs p over them and closes them. Where not one can be
// read there is nothing to tell: the error is the verdict, the reasons are said.
func tellFiles(ctx context.Context, files []string, stdin io.Reader, stdout, stderr io.Writer, quiet bool, p *pipeline) (*outcome, error) {
	p.meter = &meter{}
	in, err := openInputs(files, opening{stdin: stdin, meter: p.meter})
	if err != nil {
		return nil, err
	}
	in.byIndex(&p.choice)
	if len(in.sources) == 0 {
		code := (&outcome{damage: in.damage}).report(stderr)
		return nil, errors.Join(in.Close(), verdict(code))
	}
	if !quiet && isTerminal(stderr) {
		p.meter.show(stderr)
	}
	p.in, p.out = in, stdout
	res, err := p.run(ctx)
	p.meter.done()
	if !res.interrupted && err == nil {
		// An interrupted reader may still stand in a Read.
		if e := in.Close(); e != nil {
			res.damage = append(res.damage, e)
		}
	}
	return res, err
}

// isTerminal says whether a stream goes to a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored says whether to colour what goes to w (https://no-color.org).
func colored(when string, w io.Writer) (bool, error) {
	if err := oneOf("color", when, "auto", "always", "never"); err != nil {
		return false, err
	}
	return when == "always" || when == "auto" && isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", nil
}

// width is the columns of the terminal that w is; 0 where it is none.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}
