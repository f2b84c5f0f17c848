package recording

import (
	"crypto/rand"
	"os"
	"os/user"
	"path"
	"runtime/debug"
	"strings"
	"time"
)

// NewHeader is the header of a recording that this process begins now: a new id,
// the time, the program, the machine, the account, the state of its clock, and
// the command line. The caller says where the records come from.
func NewHeader(command []string) Header {
	h := Header{Created: time.Now().UTC(), Tool: tool(), Clock: clockState(), Command: commandLine(command)}
	rand.Read(h.ID[:])
	h.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	return h
}

func tool() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "informant"
	}
	name := path.Base(b.Main.Path)
	if b.Main.Version != "" {
		name += " " + b.Main.Version
	}
	return name
}

// commandLine joins arguments as a shell would read them.
func commandLine(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\n\"'\\$`*?[]{}()<>|&;#~!") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}
