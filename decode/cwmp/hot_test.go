package cwmp

import (
	"slices"
	"testing"
)

// TestHotMembers: the lists of members that were made once are those that the
// structs make, with the same values.
func TestHotMembers(t *testing.T) {
	structs := []Struct{new(DeviceIDStruct), new(EventStruct), new(ParameterValueStruct), new(ParameterInfoStruct), new(ParameterAttributeStruct), new(FaultStruct)}
	for _, def := range methods {
		structs = append(structs, def())
	}
	listed := 0
	for _, s := range structs {
		var values [hotMembers]Value
		members, presence := hot(s, &values)
		if members == nil {
			continue
		}
		listed++
		want := s.Members()
		if !slices.EqualFunc(members, want, func(a, b Member) bool { a.Value, b.Value = nil, nil; return a == b }) {
			t.Errorf("%T: members %v, want %v", s, members, want)
		}
		for i := range want {
			if values[i] != want[i].Value {
				t.Errorf("%T: the value of %s is another", s, want[i].Name)
			}
		}
		if n, ok := s.(Nested); ok != (presence != nil) || ok && n.present() != presence {
			t.Errorf("%T: presence", s)
		}
	}
	if listed < 22 {
		t.Errorf("only %d structs", listed)
	}
}
