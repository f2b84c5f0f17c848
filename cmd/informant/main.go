// Command informant reads CWMP (TR-069) traffic and tells what was said in it,
// and what of it broke TR-069.
//
// This package wires: sources, the Decoder and sinks meet here, and nowhere
// else are there goroutines, flags, files and exit codes. One file holds one
// verb: newXCommand says its flags, runX does it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"informant/capture"
)

func main() {
	runtime.MemProfileRate = 0 // nobody asks for it, and it takes a megabyte
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first interrupt ends the reading and tells what was read; the second
	// one ends the program.
	context.AfterFunc(ctx, stop)
	watchMemory(ctx)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK          = 0
	exitFindings    = 1   // findings at or above --fail-on
	exitUsage       = 2   // usage or I/O, also a file that is no capture or is empty
	exitIncomplete  = 3   // the input is damaged or incomplete, or nothing of it could be read
	exitInterrupted = 130 // by SIGINT
)

const exitHelp = `
Exit codes:
  0    fine
  1    findings at or above --fail-on (decode only tells: never 1)
  2    usage or I/O; also a file that is no capture, or is empty (of several files
       the others have been told)
  3    damaged or incomplete input: what was readable has been told
  130  interrupted: what was read until then has been told`

// run does what the arguments say and returns the exit code. It is the one
// place where errors become exit codes and words.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(root.ExecuteContext(ctx), stderr)
}

// usageError is a wrong flag or argument.
type usageError struct{ error }

// verdict is an exit code that is no failure of the program.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

// exitCode says what went wrong, where that is not said yet, and returns the
// exit code for it.
func exitCode(err error, stderr io.Writer) int {
	var v verdict
	var u usageError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitOK
	case errors.As(err, &v):
		return int(v)
	case errors.As(err, &u):
		fmt.Fprintf(stderr, "informant: %v\nRun 'informant --help', or 'informant VERB --help'.\n", u.error)
		return exitUsage
	}
	fmt.Fprintf(stderr, "informant: %v\n", err)
	if errors.Is(err, capture.ErrDamaged) {
		return exitIncomplete
	}
	return exitUsage
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "informant",
		Short: "Tells what a CPE and its ACS said in CWMP (TR-069), and what of it broke the standard",
		Long: `Informant reads TR-069 (CWMP) traffic out of captures and dumps and tells it as
a transcript: who called, why, what was said, how it ended, and which rule of
TR-069 was broken by whom, and where.`,
		Example: `  informant demo
  informant decode capture.pcapng
  informant check --fail-on warning -o junit capture.pcapng
  informant rules EVT-010`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown verb %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newDecodeCommand(), newCheckCommand(), newRulesCommand(), newDemoCommand(), newVersionCommand(),
		newProxyCommand(), newCACommand(), newImportCommand(), newCatCommand(), newSealCommand(), newVerifyCommand(), newKeygenCommand(),
		newInspectCommand(), newMergeCommand(), newSplitCommand(), newExportCommand(), newReplayCommand())
	return root
}

// someFiles wants one file or more.
func someFiles(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("no FILE given ('-' reads standard input)")}
	}
	return nil
}

// oneOf complains about a flag's value that is none of those it takes.
func oneOf(flag, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	list := ""
	for i, a := range allowed {
		if i > 0 {
			list += ", "
		}
		list += a
	}
	return usageError{fmt.Errorf("--%s %q: it takes one of %s", flag, value, list)}
}

// noArgs wants no arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}
