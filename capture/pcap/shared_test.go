package pcap

import (
	"os"
	"path/filepath"
	"testing"
)

// shared finds a file beside the repository, see INFORMANT_SHARED.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("INFORMANT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	p := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("%s is not here: set INFORMANT_SHARED to the folder of shared material", filepath.Join(parts...))
	}
	return p
}
