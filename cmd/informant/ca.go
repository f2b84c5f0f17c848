package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"informant/decode/transcript"
	"informant/proxy/authority"
)

func newCACommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "ca init|show|export",
		Short: "The authority that signs for the proxy, to be installed in CPEs",
		Long: `A proxy that ends a CPE's TLS needs a certificate that the CPE trusts. Ca makes an
authority for it: init once, install what export gives in the CPE, and let the
proxy listen on https://. The key never leaves its folder and is readable for its
owner alone; it is RSA, since there are CPEs that know nothing else.
` + exitHelp,
		Example: `  informant ca init
  informant ca export --as c -w informant_ca.c
  informant proxy --listen https://:7548 --upstream https://acs.example`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown verb %q: it is init, show or export", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&dir, "ca", "", "the authority's `folder` (default: informant/ca in the user's configuration)")
	var name string
	initialise := &cobra.Command{
		Use: "init", Short: "Make an authority; nothing is overwritten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCAInit(dir, name, cmd.OutOrStdout()) },
	}
	initialise.Flags().StringVar(&name, "name", "", "what the certificate is called (default: Informant CA, host, date)")
	show := &cobra.Command{
		Use: "show", Short: "Say what the authority is", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCAShow(dir, cmd.OutOrStdout()) },
	}
	var form, out string
	export := &cobra.Command{
		Use: "export", Short: "Write the authority's certificate, to install it in CPEs", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCAExport(dir, form, out, cmd.OutOrStdout()) },
	}
	export.Flags().StringVar(&form, "as", "pem", "`form`: pem, der, or c (an array for firmware)")
	export.Flags().StringVarP(&out, "write", "w", "-", "the file's `name`; '-' is standard output")
	cmd.AddCommand(initialise, show, export)
	return cmd
}

// authorityDir is the folder of the authority.
func authorityDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("where the authority is kept is not known: %w; name its folder with --ca", err)
	}
	return filepath.Join(base, "informant", "ca"), nil
}

// loadAuthority reads the authority.
func loadAuthority(dir string) (*authority.Authority, string, error) {
	dir, err := authorityDir(dir)
	if err != nil {
		return nil, "", err
	}
	a, err := authority.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, dir, fmt.Errorf("there is no authority in %s: 'informant ca init' makes one", transcript.Safe(dir))
	}
	return a, dir, err
}

func runCAInit(dir, name string, stdout io.Writer) error {
	dir, err := authorityDir(dir)
	if err != nil {
		return err
	}
	if name == "" {
		host, _ := os.Hostname()
		name = strings.TrimSpace(fmt.Sprintf("Informant CA %s %s", host, time.Now().Format(time.DateOnly)))
	}
	a, err := authority.New(name)
	if err != nil {
		return err
	}
	if err := a.Save(dir); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: there is an authority already; nothing is overwritten", transcript.Safe(dir))
	} else if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "made an authority in %s\n", transcript.Safe(dir))
	return describeAuthority(a, stdout)
}

func runCAShow(dir string, stdout io.Writer) error {
	a, dir, err := loadAuthority(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "the authority in %s\n", transcript.Safe(dir))
	return describeAuthority(a, stdout)
}

func describeAuthority(a *authority.Authority, stdout io.Writer) error {
	c := a.Certificate
	_, err := fmt.Fprintf(stdout, "  subject   %s\n  valid     %s to %s\n  key       %s\n  sha256    %x\n", transcript.Safe(c.Subject.String()),
		c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), c.PublicKeyAlgorithm, sha256.Sum256(c.Raw))
	return err
}

func runCAExport(dir, form, out string, stdout io.Writer) error {
	if err := oneOf("as", form, "pem", "der", "c"); err != nil {
		return err
	}
	a, _, err := loadAuthority(dir)
	if err != nil {
		return err
	}
	b := map[string][]byte{"pem": a.PEM(), "der": a.Certificate.Raw, "c": a.C()}[form]
	if out == "-" {
		if form == "der" && isTerminal(stdout) {
			return usageError{errors.New("DER is not for a terminal: give -w NAME, or a pipe")}
		}
		_, err := io.Copy(stdout, bytes.NewReader(b))
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return taken(out, err)
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
