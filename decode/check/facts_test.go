package check

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode/cwmp"
)

// TestFactsHideNothing holds that facts keep no check from what it has to say:
// where coverage is asked for, checks run without regard to facts, and find the
// same, in the examples and in what becomes of them when bytes are changed.
func TestFactsHideNothing(t *testing.T) {
	odd := []string{" ", ".", ":", "[", "]", "0", "9", "x", "A", "-", "\"", "\xe9", "\t", "*", "/", "="}
	for _, k := range All {
		fires, near, _ := Example(k.ID)
		for _, text := range []string{fires, near} {
			for seed := range uint64(6) {
				change := func(r *rand.Rand) func(*capture.Record) {
					return func(rec *capture.Record) {
						if seed == 0 || len(rec.Data) == 0 {
							return
						}
						b := slices.Clone(rec.Data)
						for range r.IntN(4) {
							i := r.IntN(len(b))
							copy(b[i:], odd[r.IntN(len(odd))])
						}
						rec.Data = b
					}
				}
				find := func(c *Checker) []Finding {
					src, err := scenario.NewSource("scenario", strings.NewReader(text))
					if err != nil {
						t.Fatal(err)
					}
					return run(t, src, c, change(rand.New(rand.NewPCG(seed, 1))))
				}
				got, want := find(&Checker{}), find(&Checker{Coverage: true})
				if !slices.Equal(lines(got), lines(want)) {
					t.Errorf("%s, seed %d: with facts %q, without %q", k.ID, seed, lines(got), lines(want))
				}
			}
		}
	}
}

// TestArgumentFacts holds that no argument is too long, or no boolean, without
// its fact.
func TestArgumentFacts(t *testing.T) {
	params := func() cwmp.List[cwmp.ParameterValueStruct] {
		return cwmp.List[cwmp.ParameterValueStruct]{Items: make([]cwmp.ParameterValueStruct, 2)}
	}
	for _, make := range []func() cwmp.Struct{
		func() cwmp.Struct {
			return &cwmp.Inform{ParameterList: params(), Event: cwmp.List[cwmp.EventStruct]{Items: []cwmp.EventStruct{{}, {}}}}
		},
		func() cwmp.Struct { return &cwmp.InformResponse{} },
		func() cwmp.Struct { return &cwmp.GetParameterValuesResponse{ParameterList: params()} },
		func() cwmp.Struct { return &cwmp.SetParameterValues{ParameterList: params()} },
		func() cwmp.Struct {
			return &cwmp.GetParameterValues{ParameterNames: cwmp.List[cwmp.Leaf]{Items: []cwmp.Leaf{{}, {}}}}
		},
		func() cwmp.Struct { return &cwmp.GetParameterNames{} },
		func() cwmp.Struct {
			return &cwmp.GetParameterNamesResponse{ParameterList: cwmp.List[cwmp.ParameterInfoStruct]{Items: []cwmp.ParameterInfoStruct{{}, {}}}}
		},
		func() cwmp.Struct { return &cwmp.SetParameterValuesResponse{} },
		func() cwmp.Struct { return &cwmp.AddObject{} },
		func() cwmp.Struct { return &cwmp.AddObjectResponse{} },
		func() cwmp.Struct { return &cwmp.DeleteObject{} },
		func() cwmp.Struct { return &cwmp.DeleteObjectResponse{} },
		func() cwmp.Struct { return &cwmp.Download{} },
		func() cwmp.Struct { return &cwmp.DownloadResponse{} },
		func() cwmp.Struct { return &cwmp.Reboot{} },
		func() cwmp.Struct { return &cwmp.RebootResponse{} },
		func() cwmp.Struct { return &cwmp.TransferComplete{} },
		func() cwmp.Struct { return &cwmp.TransferCompleteResponse{} },
		func() cwmp.Struct { return &cwmp.Upload{} },
		func() cwmp.Struct { return &cwmp.Kicked{} },
	} {
		for n := 0; ; n++ {
			a := make()
			i := 0
			var found *cwmp.Member
			everyLeaf(a, func(m *cwmp.Member, l *cwmp.Leaf) {
				l.Present = true
				if i == n {
					found = m
					l.Value = strings.Repeat("a", m.Max+1)
				}
				i++
			})
			if found == nil {
				break
			}
			f := new(Pass).argumentFacts(&cwmp.Message{Args: a})
			if found.Max > 0 && f&long == 0 {
				t.Errorf("%T: a long %s has no fact", a, found.Name)
			}
			if found.Type == cwmp.Boolean && f&oddFlag == 0 {
				t.Errorf("%T: an odd %s has no fact", a, found.Name)
			}
		}
	}
}

// everyLeaf calls f for each simple argument, present or not.
func everyLeaf(s cwmp.Struct, f func(*cwmp.Member, *cwmp.Leaf)) {
	members := s.Members()
	for i := range members {
		m := &members[i]
		switch v := m.Value.(type) {
		case *cwmp.Leaf:
			f(m, v)
		case cwmp.Array:
			for j := range v.Len() {
				switch item := v.Item(j).(type) {
				case *cwmp.Leaf:
					f(m, item)
				case cwmp.Struct:
					everyLeaf(item, f)
				}
			}
		case cwmp.Struct:
			everyLeaf(v, f)
		}
	}
}
