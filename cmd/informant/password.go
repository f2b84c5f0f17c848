package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// password is what the first line of a file says or, where there is none, what is
// typed at a terminal, twice where it is a new one.
func password(file string, stdin io.Reader, stderr io.Writer, fresh bool) (string, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return strings.TrimSuffix(line, "\r"), nil
	}
	f, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", usageError{errors.New("the key needs a password, and there is no terminal to ask for it: give --password-file FILE")}
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(stderr, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(stderr)
		return string(b), err
	}
	first, err := ask("Password: ")
	if err != nil || !fresh {
		return first, err
	}
	again, err := ask("Password (again): ")
	if err == nil && again != first {
		err = usageError{errors.New("the passwords differ")}
	}
	return first, err
}
