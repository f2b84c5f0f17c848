package proof

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// truth is what tshark counts in a capture: its *.truth.json.
type truth struct {
	Sessions int
	RPC      map[string]map[string]int // by sender
	Methods  map[string]int
	Statuses map[string]int
}

// counted is the same counts, of what we told.
func counted(t *testing.T, items []told) truth {
	t.Helper()
	n := truth{RPC: map[string]map[string]int{"cpe": {}, "acs": {}}, Methods: map[string]int{}, Statuses: map[string]int{}}
	for _, x := range items {
		switch x.Type {
		case "session", "fragment":
			n.session(x)
		case "connectionRequest":
			var status []int
			if err := json.Unmarshal(x.Status, &status); err != nil {
				t.Fatal(err)
			}
			for _, s := range status {
				n.exchange("GET", s)
			}
		case "transfer", "http":
			var y struct {
				Method string
				Status int
			}
			if err := json.Unmarshal(x.raw, &y); err != nil {
				t.Fatal(err)
			}
			n.exchange(y.Method, y.Status)
		}
	}
	return n
}

func (n *truth) exchange(method string, status int) {
	if method != "" {
		n.Methods[method]++
	}
	if status != 0 {
		n.Statuses[fmt.Sprint(status)]++
	}
}

func (n *truth) session(x told) {
	type half struct {
		exchange int
		from     string
	}
	done, answered := map[half]bool{}, false
	for _, m := range x.Messages {
		if m.RPC != "" {
			n.RPC[m.From][m.RPC]++
		}
		answered = answered || m.RPC == "InformResponse"
		if h := (half{m.Exchange, m.From}); !done[h] {
			done[h] = true
			if m.From == "cpe" {
				n.exchange("POST", 0)
			} else {
				n.exchange("", m.Status)
			}
		}
	}
	if answered {
		n.Sessions++
	}
}

func TestTruth(t *testing.T) {
	for _, name := range []string{"mixed-http", "auth-basic-http"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(shared(t, "captures", name+".truth.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want truth
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			items := decodeFile(t, "--all", shared(t, "captures", name+".pcapng.gz"))
			got := counted(t, items)
			if got.Sessions != want.Sessions {
				t.Errorf("%d Informs answered by InformResponse, tshark says %d", got.Sessions, want.Sessions)
			}
			equal(t, "RPCs of CPEs", got.RPC["cpe"], want.RPC["cpe"])
			equal(t, "RPCs of the ACS", got.RPC["acs"], want.RPC["acs"])
			equal(t, "methods", got.Methods, want.Methods)
			equal(t, "statuses", got.Statuses, want.Statuses)
			if s := summary(t, items); s.Undecoded != 0 || s.Gaps != 0 {
				t.Errorf("%d undecoded, %d gaps", s.Undecoded, s.Gaps)
			}
		})
	}
}

func equal(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v\nwant %v", what, got, want)
	}
}

// step is a line of the ACS's log about a device, or what we told that must
// stand there.
type step struct{ what, id, name string }

var (
	logLine  = regexp.MustCompile(`^\S+ \[\w+\] \S+?(?: (\S+))?: (.*)$`)
	logField = regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*"|\S+)`)
)

// acsLog reads the ACS's own log: steps by device, in order.
func acsLog(t *testing.T, file string) map[string][]step {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	steps := map[string][]step{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		m := logLine.FindStringSubmatch(lines.Text())
		if m == nil {
			t.Fatalf("the log has a line %q", lines.Text())
		}
		what, rest, _ := strings.Cut(m[2], "; ")
		v := map[string]string{}
		for _, x := range logField.FindAllStringSubmatch(rest, -1) {
			v[x[1]] = strings.Trim(x[2], `"`)
		}
		switch what {
		case "Inform":
			steps[m[1]] = append(steps[m[1]], step{"inform", v["cpeRequestId"], v["informEvent"]})
		case "ACS request":
			steps[m[1]] = append(steps[m[1]], step{"acs", v["acsRequestId"], v["acsRequestName"]})
		case "CPE request":
			steps[m[1]] = append(steps[m[1]], step{"cpe", v["cpeRequestId"], v["cpeRequestName"]})
		case "Invalid session": // about no device: an empty POST without a cookie
			steps[""] = append(steps[""], step{what: "refused"})
		case "XML parse error", "CPE already in session", "Bad session state":
			steps[m[1]] = append(steps[m[1]], step{what: "refused"})
		case "CPE fault":
			steps[m[1]] = append(steps[m[1]], step{"fault", v["acsRequestId"], v["cpeFaultCode"]})
		}
	}
	return steps
}

// logged is what the ACS must have logged of what we told.
func logged(items []told) map[string][]step {
	sessions := slices.DeleteFunc(slices.Clone(items), func(x told) bool { return x.Type != "session" && x.Type != "fragment" })
	slices.SortStableFunc(sessions, func(a, b told) int { return cmp.Compare(a.Start, b.Start) })
	steps := map[string][]step{}
	for _, x := range sessions {
		key := x.Device.key()
		for i, m := range x.Messages {
			next := message{}
			if i+1 < len(x.Messages) {
				next = x.Messages[i+1]
			}
			switch {
			case i == 0 && m.Kind == "empty" && next.Status == 400:
				steps[""] = append(steps[""], step{what: "refused"})
			case m.From == "cpe" && next.Status == 400: // the ACS logs why, not what
				steps[key] = append(steps[key], step{what: "refused"})
			case m.RPC == "Inform":
				// The ACS takes an Inform once it knows who it is from.
				if next.RPC == "InformResponse" {
					var codes []string
					for _, e := range x.Events {
						codes = append(codes, e.Code)
					}
					steps[key] = append(steps[key], step{"inform", m.ID, strings.Join(codes, ",")})
				}
			case m.From == "acs" && m.Kind == "request":
				steps[key] = append(steps[key], step{"acs", m.ID, m.RPC})
			case m.From == "cpe" && m.Kind == "request":
				steps[key] = append(steps[key], step{"cpe", m.ID, m.RPC})
			case m.From == "cpe" && m.Kind == "fault":
				steps[key] = append(steps[key], step{"fault", m.ID, m.Fault.Code})
			}
		}
	}
	return steps
}

// TestACSLog holds what is told of a capture against the log that the ACS wrote
// itself while it was taken.
func TestACSLog(t *testing.T) {
	for _, name := range []string{"mixed-http", "auth-basic-http"} {
		t.Run(name, func(t *testing.T) {
			want := acsLog(t, shared(t, "captures", name+".acs-access.log"))
			got := logged(decodeFile(t, shared(t, "captures", name+".pcapng.gz")))
			for _, device := range slices.Sorted(maps.Keys(want)) {
				compareSteps(t, device, got[device], want[device])
			}
			for device := range got {
				if _, ok := want[device]; !ok {
					t.Errorf("%s: the ACS's log knows no such device", device)
				}
			}
		})
	}
}

func compareSteps(t *testing.T, device string, got, want []step) {
	t.Helper()
	if slices.Equal(got, want) {
		t.Logf("%s: %d steps", device, len(want))
		return
	}
	for i := range max(len(got), len(want)) {
		var a, b step
		if i < len(got) {
			a = got[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			t.Errorf("%s: step %d of %d: told %v, the ACS logged %v", device, i+1, len(want), a, b)
			return
		}
	}
}

// TestEncrypted: of a TLS capture the plain Connection Requests and one
// encrypted connection per TLS stream are told.
func TestEncrypted(t *testing.T) {
	needTshark(t)
	file := shared(t, "captures", "mixed-tls12.pcapng")
	out, err := exec.Command("tshark", "-r", file, "-n", "-Y", "tls", "-T", "fields", "-e", "tcp.stream").Output()
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string]bool{}
	for _, s := range strings.Fields(string(out)) {
		streams[s] = true
	}
	out, err = exec.Command("tshark", "-r", file, "-n", "-Y", "http.request.method==GET", "-T", "fields", "-e", "http.request.uri").Output()
	if err != nil {
		t.Fatal(err)
	}
	items := decodeFile(t, "--all", file)
	tls, n := 0, counted(t, items)
	for _, x := range items {
		if x.Type == "connection" && x.Protocol == "tls" {
			tls++
		}
	}
	if tls != len(streams) {
		t.Errorf("%d encrypted connections told, tshark sees %d TLS streams", tls, len(streams))
	}
	if gets := len(strings.Fields(string(out))); n.Methods["GET"] != gets {
		t.Errorf("%d GETs told, tshark sees %d", n.Methods["GET"], gets)
	}
	if s := summary(t, items); s.Encrypted != len(streams) || s.Sessions != 0 {
		t.Errorf("summary: %d encrypted, %d sessions; want %d, 0", s.Encrypted, s.Sessions, len(streams))
	}
	if _, _, code := informant(t, "decode", file); code != 3 {
		t.Errorf("exit %d of a capture of which nothing could be read, want 3", code)
	}
}

// TestGeneratorTruth: the generator knows what it wrote.
func TestGeneratorTruth(t *testing.T) {
	generatorTruth(t)
}
