package proof

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"informant/testdata/gen/traffic"
)

// wrong is what the generator's traffic does wrong: a vendor sends Basic
// credentials in the clear, and two ACSs end with an empty 200.
var wrong = []string{"HTTP-011", "SEC-001"}

// generatorTruth holds what is told against the generator's own counts, and
// wants its errors found, and none where there is none.
func generatorTruth(t *testing.T) {
	for name, o := range map[string]traffic.Options{
		"small.pcap":   {Seed: 11, Bytes: 6_000_000, Shape: traffic.Small},
		"mixed.pcapng": {Seed: 12, Bytes: 6_000_000, Shape: traffic.Mixed, Format: traffic.PcapNG},
	} {
		t.Run(name, func(t *testing.T) {
			data, want := generated(t, o)
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			items := decodeFile(t, "--all", file)
			got := counted(t, items)
			equal(t, "RPCs of CPEs", got.RPC["cpe"], want.RPC[0])
			equal(t, "RPCs of ACSs", got.RPC["acs"], want.RPC[1])
			equal(t, "methods", got.Methods, want.Methods)
			statuses := map[string]int{}
			for code, n := range want.Statuses {
				statuses[itoa(code)] = n
			}
			equal(t, "statuses", got.Statuses, statuses)
			s := summary(t, items)
			if s.Sessions != want.Sessions || s.Fragments != 0 || s.Packets != want.Packets || s.Gaps != 0 {
				t.Errorf("%d sessions, %d fragments, %d packets, %d gaps; want %d, 0, %d, 0", s.Sessions, s.Fragments, s.Packets, s.Gaps, want.Sessions, want.Packets)
			}
			crs, parameters := 0, 0
			bad := map[string]finding{}
			for _, x := range items {
				if x.Type == "connectionRequest" {
					crs++
				}
				if x.Type == "session" && x.Outcome != "complete" {
					t.Errorf("session of %s: %s, %s", x.Device.key(), x.Outcome, x.Reason)
				}
				for _, f := range x.Findings {
					if f.Severity == "error" {
						bad[f.Check] = f
					}
				}
				parameters += x.parameters(t)
			}
			if crs != want.ConnectionRequests {
				t.Errorf("%d Connection Requests, want %d", crs, want.ConnectionRequests)
			}
			if parameters != want.Parameters {
				t.Errorf("%d parameters, want %d", parameters, want.Parameters)
			}
			if got := slices.Sorted(maps.Keys(bad)); !slices.Equal(got, wrong) {
				t.Errorf("errors found: %v, want %v: %+v", got, wrong, bad)
			}
		})
	}
}
