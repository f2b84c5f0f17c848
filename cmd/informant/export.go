package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"informant/decode"
	"informant/decode/transcript"
)

type exportOptions struct {
	files       []string
	as          string
	out         string
	checks      string
	pick        pickFlags
	showSecrets bool
	quiet       bool
}

func newExportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export FILE... --as FORM -w OUT",
		Short: "Write recordings, captures and dumps in a form for other programs",
		Long: `Export reads what decode reads, and writes it as

  pcapng  packets that Wireshark and other programs open: TCP with made-up
          handshakes and numbers, every byte at its time, what is missing as
          missing numbers, and the findings as comments of the packets that
          they are about. Packets stand in the order in which the bytes were
          read. The input is read twice: standard input is kept in a file
          meanwhile.
  jsonl   what 'decode -o json' tells: one JSON object per line, values of
          secrets masked unless --show-secrets is given.
  csv     the index: a row for each session.
  txtar   the records as text, message by message, byte by byte: for fixtures,
          reviews and changes by hand. decode, check and import read it; nothing
          is lost. In git it needs a line '*.txtar -text' in .gitattributes.
  datamodel  what the sessions of a device tell about its parameters and objects, as
          genieacs-sim and other simulators read it: CSV, or JSON where OUT ends
          with .json. Values of secrets are left empty unless --show-secrets.

pcapng and txtar hold the traffic as it was: passwords and keys are not masked.
Without --as, the name of OUT says it. '-w -' writes to standard output. Nothing
is overwritten.

With --session, --device, --since and --until only what belongs to those sessions
is exported.
` + exitHelp,
		Example: `  informant export office.cwmp -w office.pcapng
  informant export office.cwmp --session 3 -w session3.txtar
  informant export office.cwmp --as csv -w - | column -s, -t
  informant export capture.pcapng --as jsonl -w - | jq .outcome`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runExport(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.as, "as", "", "`form`: pcapng, jsonl, csv, txtar or datamodel")
	f.StringVarP(&o.out, "write", "w", "", "the `name` of what is written; '-' is standard output")
	f.StringVar(&o.checks, "checks", "strict", "`profile` of the checks: strict, field (lenient with what is common) or none")
	o.pick.add(cmd)
	f.BoolVar(&o.showSecrets, "show-secrets", false, "jsonl, datamodel: do not mask passwords, keys and credentials")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no summary")
	return cmd
}

// formOf is the form that a file's name stands for.
func formOf(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".pcapng":
		return "pcapng"
	case ".jsonl", ".ndjson", ".json":
		return "jsonl"
	case ".csv":
		return "csv"
	case ".txtar":
		return "txtar"
	}
	return ""
}

func runExport(ctx context.Context, o exportOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if o.out == "" {
		return usageError{errors.New("-w OUT is missing: the name of what is written, '-' for standard output")}
	}
	if o.as == "" {
		if o.as = formOf(o.out); o.as == "" {
			return usageError{errors.New("--as is missing: pcapng, jsonl, csv, txtar or datamodel")}
		}
	}
	if err := oneOf("as", o.as, "pcapng", "jsonl", "csv", "txtar", "datamodel"); err != nil {
		return err
	}
	opts, choice, err := checkOptions(o.checks, nil)
	if err != nil {
		return err
	}
	if choice.pick, err = o.pick.parse(); err != nil {
		return err
	}
	if o.as == "pcapng" && o.out == "-" && isTerminal(stdout) {
		return usageError{errors.New("a pcapng is not for a terminal: give -w NAME, or a pipe")}
	}
	x := &exporting{o: o, opts: opts, choice: choice, ctx: ctx, stdin: stdin, stderr: stderr}
	err = writeNew(o.out, stdout, func(w *bufio.Writer) error {
		switch o.as {
		case "jsonl":
			return x.tell(w, plain{&transcript.JSON{ShowSecrets: o.showSecrets}})
		case "csv":
			return x.table(w)
		case "datamodel":
			return x.tell(w, &modelSink{json: modelJSON(o.out), showSecrets: o.showSecrets})
		}
		return x.records(w)
	})
	if st, e := os.Stat(o.out); e == nil && written(err) && o.out != "-" && !o.quiet {
		fmt.Fprintf(stdout, "%s: %s bytes of %s\n", transcript.Safe(o.out), thousands(st.Size()), o.as)
	}
	return err
}

// written says whether an error is none of writing, but a verdict on the input.
func written(err error) bool {
	var v verdict
	return err == nil || errors.As(err, &v)
}

// writeNew writes a file that must not be there yet, for its owner alone. What
// could not be written to its end is taken away; a verdict on the input is no
// such failure. "-" is stdout.
func writeNew(name string, stdout io.Writer, write func(*bufio.Writer) error) error {
	if name == "-" {
		w := bufio.NewWriterSize(stdout, 256<<10)
		return errors.Join(write(w), w.Flush())
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return named(transcript.Safe(name), taken(name, err))
	}
	w := bufio.NewWriterSize(f, 256<<10)
	err = write(w)
	told := written(err)
	failed := errors.Join(w.Flush(), f.Close())
	if failed != nil {
		failed = named(transcript.Safe(name), failed)
	}
	if !told || failed != nil {
		os.Remove(name)
	}
	if told && failed != nil {
		return failed
	}
	return err
}

// exporting is one run of the verb.
type exporting struct {
	o      exportOptions
	opts   decode.Options
	choice selection
	ctx    context.Context
	stdin  io.Reader
	stderr io.Writer
}

// tell decodes the files and writes what a sink makes of them.
func (x *exporting) tell(w io.Writer, out sink) error {
	res, err := tellFiles(x.ctx, x.o.files, x.stdin, w, x.stderr, x.o.quiet, &pipeline{opts: x.opts, choice: x.choice, sink: out})
	if err != nil {
		return err
	}
	code := res.report(x.stderr)
	if res.nothingChosen(&x.choice) {
		return noSession(&x.choice)
	}
	if code != exitOK {
		return verdict(code)
	}
	return nil
}

// sourceLines says in lines what an input is, for the header of a pcapng.
func sourceLines(in *inputs, origins *origins) (lines []string) {
	for _, l := range origins.lines() {
		lines = append(lines, "from "+l)
	}
	for _, s := range in.sources {
		rec, ok := s.(*recordingSource)
		if !ok {
			continue
		}
		for _, p := range rec.parts {
			h := p.header
			lines = append(lines, fmt.Sprintf("%s is recording %s, begun %s by %s on %s", p.name, hexID(h.ID), h.Created.Format("2006-01-02T15:04:05Z07:00"), h.Tool, h.Host))
			for _, from := range append(h.Sources, h.From...) {
				lines = append(lines, "  from "+from)
			}
		}
	}
	return lines
}
