package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/pcap"
	"informant/decode"
	"informant/decode/transcript"
)

// demoCapture is demo/demo.scenario as packets, made by the tests.
//
//go:embed demo/demo.pcap
var demoCapture []byte

func newDemoCommand() *cobra.Command {
	var color string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Decode an embedded capture, to show what a transcript looks like",
		Long: `Demo decodes a small capture that is part of the program: a device that reports a firmware
download and then makes a mistake that is common in the field. It needs no
file and no network.
` + exitHelp,
		Example: "  informant demo",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), color, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&color, "color", "auto", "`when`: auto, always or never")
	return cmd
}

func runDemo(ctx context.Context, color string, stdout io.Writer) error {
	paint, err := colored(color, stdout)
	if err != nil {
		return err
	}
	src, err := pcap.NewSource([]pcap.Input{{Name: "demo.pcap", R: bytes.NewReader(demoCapture)}}, pcap.Options{})
	if err != nil {
		return err
	}
	first := ""
	p := pipeline{
		in:    &inputs{packets: src, sources: []capture.Source{src}},
		sink:  plain{&demoText{Text: transcript.Text{Width: width(stdout), Color: paint}, first: &first}},
		out:   stdout,
		meter: &meter{},
	}
	if _, err := p.run(ctx); err != nil {
		return err
	}
	if first == "" {
		first = "EVT-001"
	}
	_, err = fmt.Fprintf(stdout, `
Try next:
  informant rules %s      what that finding means, with an example
  informant decode FILE...     your capture: pcap or pcapng, also .gz and .zst, or a dump of HTTP messages
  informant decode -v FILE...  all arguments; -vv the raw HTTP too; -o json for programs
  informant check FILE...      the findings alone, with an exit code for CI
`, first)
	return err
}

// demoText is a transcript that remembers its first finding.
type demoText struct {
	transcript.Text
	first *string
}

// Append appends an item's transcript.
func (d *demoText) Append(dst []byte, it decode.Item) []byte {
	if len(it.Findings) > 0 && *d.first == "" {
		*d.first = it.Findings[0].Check.ID
	}
	return d.Text.Append(dst, it)
}
