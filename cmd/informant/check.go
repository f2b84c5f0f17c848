package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"informant/decode/check"
	"informant/decode/transcript"
)

type checkFlags struct {
	files   []string
	output  string
	only    []string
	failOn  string
	profile string
	pick    pickFlags
	color   string
	quiet   bool

	coverage bool
	history  string
}

func newCheckCommand() *cobra.Command {
	var o checkFlags
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check captures and dumps against TR-069, for a terminal or a CI",
		Long: `Check reads what decode reads and prints the findings alone: one line each, as a
linter does, or as JSON lines, JUnit XML or SARIF.

A profile of your own is a YAML file: what it is based on, and the severity of checks
or families, or off:

  profile: field
  severity:
    HTTP-007: info
    SEC: warning
    SEC-007: off
  new-devices: true      # the ACS is new to them: their first sessions are 0 BOOTSTRAP
  secrets:               # of connection requests, to judge their Digest answers
    acs-user: password
  allowed-jids: [acs@example]  # ConnReqAllowedJabberIDs, of those over XMPP

Checks that look over several sessions of a device (what was asked of it, and what it
reports) begin with what this traffic shows. With --history DIR they go on where the
last run ended.
` + exitHelp,
		Example: `  informant check capture.pcapng
  informant check --fail-on warning --only EVT-001,SEQ-002 capture.pcapng
  informant check --device 00D09E-HomeGateway-4711 office.cwmp
  informant check -o junit capture.pcapng > report.xml
  informant check -o sarif --checks field capture.pcapng > report.sarif`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runCheck(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "text", "`form`: text, json, junit or sarif")
	f.StringSliceVar(&o.only, "only", nil, "only these checks or families: `ID,...` (EVT-010, SOAP)")
	f.StringVar(&o.failOn, "fail-on", "error", "exit with 1 on findings of this `severity` or above: error, warning, info or never")
	f.StringVar(&o.profile, "checks", "strict", "`profile` of the checks: strict, field (lenient with what is common), or a YAML file of your own")
	f.BoolVar(&o.coverage, "coverage", false, "also which checks this traffic could decide, and what kept the others from it")
	f.StringVar(&o.history, "history", "", "keep what is known of devices in this `folder`, for checks over several runs")
	o.pick.add(cmd)
	f.StringVar(&o.color, "color", "auto", "`when`: auto, always or never")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no summary")
	return cmd
}

// never is the severity that no finding reaches.
const never = int(check.Error) + 1

// threshold is the severity from which on a finding fails a check.
func threshold(failOn string) (int, error) {
	switch failOn {
	case "error":
		return int(check.Error), nil
	case "warning":
		return int(check.Warning), nil
	case "info":
		return int(check.Info), nil
	}
	return never, oneOf("fail-on", failOn, "error", "warning", "info", "never")
}

func runCheck(ctx context.Context, o checkFlags, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := oneOf("output", o.output, "text", "json", "junit", "sarif"); err != nil {
		return err
	}
	if o.profile == "none" {
		return oneOf("checks", o.profile, "strict", "field")
	}
	fail, err := threshold(o.failOn)
	if err != nil {
		return err
	}
	opts, choice, err := checkOptions(o.profile, o.only)
	if err != nil {
		return err
	}
	color, err := colored(o.color, stdout)
	if err != nil {
		return err
	}
	if choice.pick, err = o.pick.parse(); err != nil {
		return err
	}
	past, err := openHistory(o.history)
	if err != nil {
		return err
	}
	opts.Check.History, opts.Check.Coverage = past.store, o.coverage
	form := report(o, fail, color)
	if o.coverage && o.output == "text" {
		form = &coverage{sink: form}
	}
	if c, ok := form.(io.Closer); ok {
		defer c.Close()
	}
	res, err := tellFiles(ctx, o.files, stdin, stdout, stderr, o.quiet, &pipeline{opts: opts, choice: choice, sink: form})
	if e := past.close(err == nil && !res.interrupted); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	code := res.report(stderr)
	if res.nothingChosen(&choice) {
		return noSession(&choice)
	}
	if res.worst >= fail && code != exitInterrupted && code != exitUsage {
		code = exitFindings
	}
	if code != exitOK {
		return verdict(code)
	}
	return nil
}

// report is the form in which findings are written.
func report(o checkFlags, fail int, color bool) sink {
	switch o.output {
	case "json":
		return plain{&transcript.JSON{FindingsOnly: true}}
	case "junit":
		return &junit{fail: fail}
	case "sarif":
		return newSarif()
	}
	return plain{&lint{color: color, quiet: o.quiet}}
}
