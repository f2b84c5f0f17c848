package proof

import (
	"fmt"
	"path/filepath"
	"testing"

	"informant/capture"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/history"
	"informant/testdata/gen/traffic"
)

// foundWithin are the findings with a history of so many devices, each with how often.
func foundWithin(rs []capture.Record, limit int) map[string]int {
	d := decode.Decoder{Options: decode.Options{Check: check.Checker{History: &history.Store{Limit: limit}}}}
	found := map[string]int{}
	take := func(items []decode.Item) {
		for _, it := range items {
			for _, f := range it.Findings {
				found[fmt.Sprintf("%x %s %d %s", f.At.Session, f.Check.ID, f.At.N, f.Text)]++
			}
			if it.Kind == decode.FindingItem {
				f := it.Finding
				found[fmt.Sprintf("%x %s %d %s", f.At.Session, f.Check.ID, f.At.N, f.Text)]++
			}
		}
	}
	for _, r := range rs {
		take(d.Feed(r))
	}
	take(d.Finish())
	return found
}

// TestEviction: a device that the history let go begins anew. That may cost findings,
// and never makes one.
func TestEviction(t *testing.T) {
	all := map[string][]capture.Record{}
	data, _ := generated(t, traffic.Options{Seed: 7, Bytes: int64(scaled(6_000_000, 60_000_000)), Shape: traffic.Small})
	all["generated"] = drain(t, open(t, "small.pcap", data))
	t.Run("shared", func(t *testing.T) {
		path := shared(t, "captures", "mixed-http.pcapng.gz")
		all["shared"] = drain(t, open(t, filepath.Base(path), readFile(t, path)))
	})
	for name, rs := range all {
		whole := foundWithin(rs, 0)
		if len(whole) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
		for _, limit := range []int{1, 2, 3, 10, 100} {
			less := foundWithin(rs, limit)
			for f, n := range less {
				if n > whole[f] {
					t.Errorf("%s, a history of %d: %s", name, limit, f)
				}
			}
		}
	}
}
