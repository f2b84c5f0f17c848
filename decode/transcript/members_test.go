package transcript

import (
	"reflect"
	"testing"
	"time"

	"informant/decode/cwmp"
)

// fill sets every leaf below v, and gives every list two items.
func fill(v reflect.Value, n *int) {
	switch {
	case v.Type() == reflect.TypeFor[cwmp.Leaf]():
		*n++
		v.Set(reflect.ValueOf(cwmp.Leaf{Value: string(rune('a' + *n)), Present: true}))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), n)
			}
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	}
}

// TestMembersAsListed: what is written without a list of the members is what
// their list says.
func TestMembersAsListed(t *testing.T) {
	for _, s := range []cwmp.Struct{
		&cwmp.Inform{}, &cwmp.DeviceIDStruct{}, &cwmp.InformResponse{}, &cwmp.SetParameterValues{}, &cwmp.SetParameterValuesResponse{},
		&cwmp.GetParameterValues{}, &cwmp.GetParameterValuesResponse{}, &cwmp.GetParameterNames{}, &cwmp.GetParameterNamesResponse{},
	} {
		n := 0
		for _, what := range []string{"empty", "filled"} {
			var short, listed encoder
			short.members(s)
			listed.listed(s)
			if string(short.b) != string(listed.b) {
				t.Errorf("%T, %s:\n%s\nlisted:\n%s", s, what, short.b, listed.b)
			}
			fill(reflect.ValueOf(s).Elem(), &n)
		}
	}
	var inform cwmp.Inform
	n := 0
	fill(reflect.ValueOf(&inform).Elem(), &n)
	for i := range inform.Event.Items {
		var short, listed encoder
		short.list(&cwmp.List[cwmp.EventStruct]{Items: inform.Event.Items[i : i+1]})
		listed.object("")
		listed.listed(&inform.Event.Items[i])
		listed.end('}')
		if string(short.b) != string(listed.b) {
			t.Errorf("an event:\n%s\nlisted:\n%s", short.b, listed.b)
		}
	}
}

// TestTimes: a time is written as RFC 3339 has it, whichever was before it.
func TestTimes(t *testing.T) {
	var e encoder
	base := time.Date(2026, 1, 1, 8, 0, 0, 0, time.FixedZone("", 3600))
	for _, d := range []time.Duration{0, 1, 1000, 999_999_999, 120 * time.Millisecond, time.Second, time.Hour, -1, -60 * 365 * 24 * time.Hour, 200 * 365 * 24 * time.Hour} {
		at := base.Add(d)
		e.b = e.b[:0]
		e.time("t", at)
		if got, want := string(e.b), `"t":"`+at.UTC().Format(time.RFC3339Nano)+`"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestCleanRun: a run ends where the table says, wherever in 8 bytes that is.
func TestCleanRun(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte("abcdefgh ijk~lmnopqrst")
			b[at] = byte(c)
			want := len(b)
			if escaped[c] {
				want = at
			}
			if got := cleanRun(string(b)); got != want {
				t.Fatalf("byte %#x at %d: %d, want %d", c, at, got, want)
			}
		}
	}
}

// listed writes the members that s lists by itself.
func (e *encoder) listed(s cwmp.Struct) {
	for _, m := range s.Members() {
		e.member(m.Name, m.Value)
	}
}
