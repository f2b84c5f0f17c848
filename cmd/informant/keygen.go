package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"informant/capture/recording"
	"informant/decode/transcript"
)

type keygenOptions struct {
	out      string
	password string
	none     bool
}

func newKeygenCommand() *cobra.Command {
	var o keygenOptions
	cmd := &cobra.Command{
		Use:   "keygen -w NAME",
		Short: "Make a pair of keys for signing recordings",
		Long: `Keygen makes a pair of Ed25519 keys in the form of minisign: NAME.key, the private
key, readable for its owner alone, and NAME.pub, the public one, for those who
verify. Nothing is overwritten.

The private key is encrypted with a password, which is asked for, or is the first
line of --password-file; --no-password leaves it unencrypted.
` + exitHelp,
		Example: `  informant keygen -w office
  informant keygen -w ci --no-password
  informant seal --sign office.key office.cwmp
  informant verify --key office.pub office.cwmp`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runKeygen(o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "write", "w", "", "the files' `name`, without .key and .pub")
	f.StringVar(&o.password, "password-file", "", "`file` with the password; else it is asked for")
	f.BoolVar(&o.none, "no-password", false, "leave the private key unencrypted")
	return cmd
}

func runKeygen(o keygenOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if o.out == "" {
		return usageError{errors.New("-w NAME is missing: what the key files are called")}
	}
	if o.none && o.password != "" {
		return usageError{errors.New("--no-password and --password-file don't go together")}
	}
	secret := ""
	if !o.none {
		var err error
		if secret, err = password(o.password, stdin, stderr, true); err != nil {
			return err
		}
		if secret == "" {
			return usageError{errors.New("the password is empty: --no-password leaves the key unencrypted")}
		}
	}
	base := strings.TrimSuffix(o.out, ".key")
	public, private, err := recording.GenerateKey()
	if err != nil {
		return err
	}
	if err := recording.WriteKeys(base+".key", base+".pub", private, secret); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s.key and %s.pub: key %s\n", transcript.Safe(base), transcript.Safe(base), recording.KeyID(public.ID()))
	return err
}
