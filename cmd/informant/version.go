package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which informant this is",
		Long:    "Version says which informant this is: version, commit, Go release and platform.\n" + exitHelp,
		Example: "  informant version",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runVersion(cmd.OutOrStdout())
		},
	}
}

func runVersion(w io.Writer) error {
	version, commit := "unknown", ""
	if b, ok := debug.ReadBuildInfo(); ok {
		if version = b.Main.Version; version == "" {
			version = "(devel)"
		}
		commit = revision(b)
	}
	_, err := fmt.Fprintf(w, "informant %s%s %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// revision is the commit that the program was built from, where that is known.
func revision(b *debug.BuildInfo) string {
	id, changed := "", ""
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			id = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				changed = " with changes"
			}
		}
	}
	if id == "" {
		return ""
	}
	return " (" + id + changed + ")"
}
