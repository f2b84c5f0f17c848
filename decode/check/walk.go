package check

import "informant/decode/cwmp"

// leaves calls f for each simple argument that is there, with the member it is
// of.
func leaves(s cwmp.Struct, f func(member *cwmp.Member, l *cwmp.Leaf)) {
	cwmp.EachMember(s, func(m *cwmp.Member, v cwmp.Value) {
		switch v := v.(type) {
		case *cwmp.Leaf:
			if v.Present {
				f(m, v)
			}
		case *cwmp.List[cwmp.ParameterValueStruct]:
			eachParameter(v, f)
		case cwmp.Array:
			for j := range v.Len() {
				switch item := v.Item(j).(type) {
				case *cwmp.Leaf:
					if item.Present {
						f(m, item)
					}
				case cwmp.Struct:
					leaves(item, f)
				}
			}
		case cwmp.Struct:
			leaves(v, f)
		}
	})
}

// The members of a ParameterValueStruct, of which there may be thousands.
var nameMember, valueMember = func() (n, v cwmp.Member) {
	m := new(cwmp.ParameterValueStruct).Members()
	m[0].Value, m[1].Value = nil, nil
	return m[0], m[1]
}()

func eachParameter(list *cwmp.List[cwmp.ParameterValueStruct], f func(*cwmp.Member, *cwmp.Leaf)) {
	for i := range list.Items {
		x := &list.Items[i]
		if x.Name.Present {
			f(&nameMember, &x.Name)
		}
		if x.Value.Present {
			f(&valueMember, &x.Value)
		}
	}
}

// arrays calls f for each list that is there.
func arrays(s cwmp.Struct, f func(member *cwmp.Member, a cwmp.Array)) {
	members := s.Members()
	for i := range members {
		m := &members[i]
		switch v := m.Value.(type) {
		case *cwmp.List[cwmp.ParameterValueStruct]: // this and the next have no lists in their items
			if v.Present {
				f(m, v)
			}
		case *cwmp.List[cwmp.EventStruct]:
			if v.Present {
				f(m, v)
			}
		case *cwmp.DeviceIDStruct, *cwmp.Leaf:
		case cwmp.Array:
			if v.Info().Present {
				f(m, v)
			}
			for j := range v.Len() {
				if item, ok := v.Item(j).(cwmp.Struct); ok {
					arrays(item, f)
				}
			}
		case cwmp.Struct:
			arrays(v, f)
		}
	}
}

// parameters is the ParameterValueStructs that a message carries.
func parameters(m *cwmp.Message) []cwmp.ParameterValueStruct {
	switch a := m.Args.(type) {
	case *cwmp.Inform:
		return a.ParameterList.Items
	case *cwmp.GetParameterValuesResponse:
		return a.ParameterList.Items
	case *cwmp.SetParameterValues:
		return a.ParameterList.Items
	}
	return nil
}
