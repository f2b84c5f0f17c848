package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode/transcript"
)

type verifyOptions struct {
	files   []string
	keys    []string
	receipt string
	quiet   bool
}

func newVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify REC...",
		Short: "Prove that sealed recordings are what was sealed",
		Long: `Verify proves every group of a sealed recording, its header, dictionary and index
against the Merkle root, and the root against the signature and, where one is
given, the receipt. What was altered, is missing, was added or moved is named,
with the sessions that it concerns.

Without --key it is proven that the recording is whole, not by whom it was sealed:
whoever can write the file could have sealed it anew.
` + strings.Replace(exitHelp, "findings at or above --fail-on (decode only tells: never 1)", "a recording is not what was sealed, or is not sealed", 1),
		Example: `  informant verify office.cwmp
  informant verify --key office.pub office.cwmp
  informant verify --receipt office.receipt office.cwmp`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runVerify(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.keys, "key", nil, "the public key that must have signed it: a `file`, or its line of base64; several: one of them")
	f.StringVar(&o.receipt, "receipt", "", "what was kept of the recording: the `line`, or a file with it")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, nothing but what is wrong")
	return cmd
}

func runVerify(ctx context.Context, o verifyOptions, stdout, stderr io.Writer) error {
	var opts recording.VerifyOptions
	for _, k := range o.keys {
		key, err := publicKey(k)
		if err != nil {
			return fmt.Errorf("--key %s: %w", transcript.Safe(k), bare(err))
		}
		opts.Keys = append(opts.Keys, key)
	}
	if o.receipt != "" {
		if len(o.files) > 1 {
			return usageError{errors.New("--receipt is of one recording")}
		}
		r, err := readReceipt(o.receipt)
		if err != nil {
			return fmt.Errorf("--receipt: %w", bare(err))
		}
		opts.Receipt = &r
	}
	worst := exitOK
	for _, name := range o.files {
		if ctx.Err() != nil {
			return verdict(exitInterrupted)
		}
		code := verifyFile(ctx, name, opts, o.quiet, stdout, stderr)
		if code != exitOK && (worst == exitOK || code < worst) {
			worst = code
		}
	}
	if worst != exitOK {
		return verdict(worst)
	}
	return nil
}

// publicKey reads a key from a file, or from what is given.
func publicKey(k string) (recording.PublicKey, error) {
	if key, err := recording.ParsePublicKey(k); err == nil {
		return key, nil
	}
	return recording.ReadPublicKey(k)
}

// readReceipt reads a receipt from what is given, or from a file.
func readReceipt(text string) (recording.Receipt, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "cwmp-receipt ") {
		return recording.ParseReceipt(text)
	}
	b, err := os.ReadFile(text)
	if err != nil {
		return recording.Receipt{}, err
	}
	return recording.ParseReceipt(string(b))
}

func verifyFile(ctx context.Context, name string, o recording.VerifyOptions, quiet bool, stdout, stderr io.Writer) int {
	shown := transcript.Safe(name)
	f, size, err := openSeekable(name)
	if err != nil {
		return exitCode(named(shown, err), stderr)
	}
	defer f.Close()
	m := &meter{}
	m.add(size)
	if !quiet && isTerminal(stderr) {
		m.show(stderr)
	}
	o.Progress = func(done, _ int64) { m.read.Store(done); m.tick() }
	report, err := recording.Verify(&stoppable{f, ctx}, size, o)
	m.done()
	if ctx.Err() != nil {
		return exitInterrupted
	}
	if err != nil {
		code := exitCode(named(shown, notProven(err)), stderr)
		if errors.Is(err, recording.ErrNotSealed) || errors.Is(err, capture.ErrDamaged) {
			code = exitFindings
		}
		return code
	}
	for _, p := range report.Problems {
		fmt.Fprintf(stdout, "%s: %s\n", shown, transcript.Safe(p.String()))
	}
	if report.More > 0 {
		fmt.Fprintf(stdout, "%s: and %d more\n", shown, report.More)
	}
	if !report.OK() {
		fmt.Fprintf(stdout, "%s: NOT what was sealed: %s; %d of %s as sealed\n", shown, plural(len(report.Problems)+report.More, "problem", "problems"), report.Groups, plural(int(report.Statement.Groups), "group", "groups"))
		return exitFindings
	}
	if !quiet {
		s := report.Statement
		fmt.Fprintf(stdout, "%s: as it was sealed: %s, %s, %s; %s\n", shown, plural(int(s.Groups), "group", "groups"), plural(int(s.Sessions), "session", "sessions"), plural(int(s.Records), "record", "records"), signature(report.Signature, report.Key))
	}
	return exitOK
}

// notProven says more of errors that say that nothing was proven.
func notProven(err error) error {
	if errors.Is(err, recording.ErrNotSealed) {
		return fmt.Errorf("%w, or its end is missing: nothing proves it ('informant inspect' tells which; 'informant seal' seals it, if it may be trusted)", err)
	}
	return err
}

// signature is what is known of a signature, in words.
func signature(s recording.Signed, key string) string {
	switch s {
	case recording.SignedRight:
		return "signed with the key " + key
	case recording.SignedUnknown:
		return "signed with the key " + key + ", which was not given (--key)"
	}
	return s.String()
}

// stoppable is a file that can't be read any more when its context ends.
type stoppable struct {
	io.ReaderAt
	ctx context.Context
}

func (s *stoppable) ReadAt(p []byte, off int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.ReaderAt.ReadAt(p, off)
}

// openSeekable opens a regular file.
func openSeekable(name string) (*os.File, int64, error) {
	if name == "-" {
		return nil, 0, errors.New("standard input can't be read at random: put it in a file first")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	switch {
	case err == nil && st.IsDir():
		err = errors.New("is a directory; name the files in it")
	case err == nil && !st.Mode().IsRegular():
		err = errors.New("is no regular file: it can't be read at random")
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}
