package history_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/history"
)

func sessions(t testing.TB, text string) (list []*cwmp.Session) {
	t.Helper()
	records, err := scenario.Parse("history", "informant scenario 1\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	var d decode.Decoder
	var items []decode.Item
	for _, r := range records {
		items = append(items, d.Feed(r)...)
	}
	for _, it := range append(items, d.Finish()...) {
		if it.Kind == decode.SessionItem {
			list = append(list, it.Session)
		}
	}
	return list
}

const (
	asked = `cpe Inform events="0 BOOTSTRAP"
acs InformResponse
cpe empty
acs Download CommandKey=d1 DelaySeconds=60
cpe DownloadResponse
acs Reboot CommandKey=r1
cpe RebootResponse
acs SetParameterValues ParameterKey=k1
  param InternetGatewayDevice.ManagementServer.PeriodicInformInterval 600 unsignedInt
cpe SetParameterValuesResponse
acs 204
close cpe
wait 60s
`
	booted = `cpe Inform events="1 BOOT|M Reboot=r1"
acs InformResponse
cpe empty
acs 204
close cpe
wait 60s
`
	told = `cpe Inform events="7 TRANSFER COMPLETE|M Download=d1"
acs InformResponse
cpe TransferComplete key=d1
acs TransferCompleteResponse
cpe empty
acs 204
close cpe
wait 60s
`
	failed = `cpe Inform events="2 PERIODIC"
acs 500
close cpe
wait 10s
`
)

// TestStore follows a device over its sessions.
func TestStore(t *testing.T) {
	list := sessions(t, asked+booted+failed+told)
	var s history.Store
	s.Add(list[0])
	d := s.Device(list[0].Device.Key())
	if d == nil || !d.Birth || d.Sessions != 1 || len(d.Commands) != 2 || d.Expected != "k1" || !d.Last.Good {
		t.Fatalf("%+v", d)
	}
	if c := d.Find("d1", "Download"); c == nil || c.Delay.Seconds() != 60 || c.N == 0 || c.Session != list[0].ID {
		t.Errorf("%+v", c)
	}
	if n, ok := d.Number(".PeriodicInformInterval"); !ok || n != 600 {
		t.Errorf("PeriodicInformInterval %d %v", n, ok)
	}
	s.Add(list[1])
	d = s.Device(list[0].Device.Key())
	if d.Find("r1", "Reboot") != nil || d.Was("r1", "Reboot") == nil || d.Find("d1", "Download").Good != 1 {
		t.Errorf("%+v", d)
	}
	s.Add(list[2])
	d = s.Device(list[0].Device.Key())
	if d.Failures != 1 || !d.Last.Failed || d.Last.Informed {
		t.Errorf("%+v", d)
	}
	s.Add(list[3])
	d = s.Device(list[0].Device.Key())
	if d.Failures != 0 || len(d.Commands) != 0 || len(d.Last.Answered) != 1 || len(d.Run) != 1 {
		t.Errorf("%+v", d)
	}
	s.Forget(list[0].Device.Key())
	if s.Len() != 0 || s.Device(list[0].Device.Key()) != nil {
		t.Error("it was not forgotten")
	}
}

// TestSerial: what is known can be kept, and goes on as if it had not been.
func TestSerial(t *testing.T) {
	list := sessions(t, asked+booted+failed+told)
	var whole history.Store
	for _, x := range list {
		whole.Add(x)
	}
	key := list[0].Device.Key()
	for cut := range list {
		var before, after history.Store
		for _, x := range list[:cut] {
			before.Add(x)
		}
		before.All(func(d *history.Device) {
			b, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			var copied history.Device
			if err := json.Unmarshal(b, &copied); err != nil {
				t.Fatal(err)
			}
			after.Put(&copied)
		})
		for _, x := range list[cut:] {
			after.Add(x)
		}
		want, _ := json.Marshal(whole.Device(key))
		got, _ := json.Marshal(after.Device(key))
		if string(want) != string(got) {
			t.Errorf("kept after %d sessions:\n%s\nin one go:\n%s", cut, got, want)
		}
	}
}

// TestBounds: a store has its limit, and so has a device.
func TestBounds(t *testing.T) {
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "device d%d serial=S%d\n%s", i, i, booted)
	}
	s := history.Store{Limit: 5}
	for _, x := range sessions(t, text.String()) {
		s.Add(x)
	}
	if s.Len() != 5 {
		t.Errorf("%d devices", s.Len())
	}
	many := sessions(t, strings.Repeat(strings.ReplaceAll(asked, "0 BOOTSTRAP", "2 PERIODIC"), 100))
	for _, x := range many {
		s.Add(x)
	}
	if d := s.Device(many[0].Device.Key()); len(d.Commands) > 64 || len(d.Run) > 5 {
		t.Errorf("%d commands, %d sessions", len(d.Commands), len(d.Run))
	}
}

// TestForgetAt: what was not understood lets go what is known of those it may be of.
func TestForgetAt(t *testing.T) {
	list := sessions(t, "device a serial=A address=192.0.2.10\n"+booted+"device b serial=B address=192.0.2.11\n"+booted)
	var s history.Store
	for _, x := range list {
		s.Add(x)
	}
	s.ForgetAt(netip.MustParseAddr("192.0.2.10"))
	if s.Len() != 1 || s.Device(list[1].Device.Key()) == nil {
		t.Errorf("%d are left", s.Len())
	}
}

// TestDone: what became of commands is told by the session that tells it, and what was
// not told is pending.
func TestDone(t *testing.T) {
	list := sessions(t, asked+booted+failed+told+`cpe Inform
acs InformResponse
cpe empty
acs Upload CommandKey=u1
cpe UploadResponse
acs 204
close cpe
wait 60s
`+failed)
	var s history.Store
	var got []string
	for _, x := range list {
		for _, d := range s.Add(x) {
			got = append(got, fmt.Sprint(d.Method, " ", d.Key, " by ", d.By, " in ", x.Ordinal, " of ", slices.IndexFunc(list, func(y *cwmp.Session) bool { return y.ID == d.Session })+1))
		}
	}
	want := []string{"Reboot r1 by M Reboot in 2 of 1", "Download d1 by TransferComplete in 4 of 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	pending := func(now time.Time) (keys []string) {
		s.Pending(now, 10*time.Minute, func(_ string, c *history.Command) { keys = append(keys, c.Key) })
		return keys
	}
	end := list[len(list)-1].End
	if early, late := pending(end.Add(time.Minute)), pending(end.Add(time.Hour)); len(early) != 0 || !slices.Equal(late, []string{"u1"}) {
		t.Errorf("%q, %q", early, late)
	}
}

// BenchmarkMillion takes four sessions of each of a million devices, and tells what a
// device needs of memory: go test ./decode/history -bench Million -benchtime 1x
func BenchmarkMillion(b *testing.B) {
	const devices = 1_000_000
	list := sessions(b, asked+booted+failed+told)
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := memory()
		s := history.Store{Limit: devices}
		for _, x := range list {
			own := *x
			for i := range devices {
				own.Device.SerialNumber = strconv.Itoa(i)
				s.Add(&own)
			}
		}
		b.ReportMetric(float64(memory()-before)/devices, "B/device")
		if s.Len() != devices {
			b.Fatal(s.Len())
		}
		runtime.KeepAlive(&s)
	}
}

func BenchmarkAdd(b *testing.B) {
	list := sessions(b, asked+booted+failed+told)
	var s history.Store
	b.ReportAllocs()
	for b.Loop() {
		for _, x := range list {
			s.Add(x)
		}
	}
}

// TestStoreOfMany holds that devices are told apart where there are so many that the
// hashes of their keys, and of their addresses, are the same for some.
func TestStoreOfMany(t *testing.T) {
	many := 300_000
	if testing.Short() {
		many = 20_000
	}
	s := &history.Store{Limit: many}
	key := func(i int) string { return "00D09E-P-" + strconv.Itoa(i) }
	host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range many {
		s.Put(&history.Device{Key: key(i), Sessions: i, Address: host(i)})
	}
	gone := func(i int) bool { return i%3 == 0 || i%5 == 0 }
	for i := range many {
		switch {
		case i%3 == 0:
			s.Forget(key(i))
		case i%5 == 0:
			s.ForgetAt(host(i))
		}
	}
	left := 0
	for i := range many {
		d := s.Device(key(i))
		if (d == nil) != gone(i) || d != nil && (d.Key != key(i) || d.Sessions != i || d.Address != host(i)) {
			t.Fatalf("%d: %+v", i, d)
		}
		if d != nil {
			left++
		}
	}
	if s.Len() != left {
		t.Errorf("%d of %d are known", s.Len(), left)
	}
	for i := range many { // in the place of those that went
		if gone(i) {
			s.Put(&history.Device{Key: key(i), Sessions: i, Address: host(i)})
		}
	}
	s.Put(&history.Device{Key: "one more", Sessions: 1})
	for i := range many {
		if d := s.Device(key(i)); d != nil && d.Sessions != i {
			t.Fatalf("%d again: %+v", i, d)
		}
	}
	if s.Len() != many {
		t.Errorf("%d are known, of %d", s.Len(), many)
	}
}
