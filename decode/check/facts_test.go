package check

import (
	"fmt"
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

// TestFactsOfLists is TestFactsHideNothing of lists of parameters as nobody would think of
// them: names that repeat, in one object or with others between, vendors' nodes in all
// places, values on both sides of what their types hold.
func TestFactsOfLists(t *testing.T) {
	nodes := []string{"Device", "A", "B", "1", "12", "X_", "X_y", "X_00A0B1_C", "X_00a0b1_C", "AX_B", "", "*", "[a]", "{i}", "é", " A", "PeriodicInformInterval", "ManagementServer",
		"HostNumberOfEntries", "Host", "SSID", "SerialNumber", "DeviceInfo", "Password", "ParameterKey", strings.Repeat("L", 60), strings.Repeat("L", 260)}
	types := []string{"string", "int", "unsignedInt", "long", "unsignedLong", "boolean", "dateTime", "base64", "base64Binary", "hexBinary", "decimal", "float", "", " int"}
	values := []string{"", "0", "1", "-1", "+1", "59", "true", "TRUE", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
		"18446744073709551615", "18446744073709551616", "00000000000000000001", "AAAA", "AAA=", "AA==", "A===", "=AAA", "AAA", "0aF9", "0aF", "xy", " 1", "1 ", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00",
		"2026-01-01T00:00:00+01:00", "0001-01-01T00:00:00", "2026-13-01T00:00:00Z", "(null)", "N/A", strings.Repeat("v", 33), strings.Repeat("v", 65), strings.Repeat("v", 300)}
	seeds := uint64(400)
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 7))
		pick := func(from []string) string { return from[r.IntN(len(from))] }
		var names []string
		var tree func(object string, depth int)
		tree = func(object string, depth int) {
			names = append(names, object)
			for i := range r.IntN(5) {
				if depth > 0 && r.IntN(2) == 0 {
					tree(fmt.Sprintf("%sO%d.", object, i), depth-1)
				} else {
					names = append(names, fmt.Sprintf("%sP%d", object, i))
				}
			}
		}
		if seed%4 == 0 { // in depth, as most devices tell them
			tree(pick([]string{"Device.", "Device.A."}), 3)
		}
		for seed%4 != 0 && len(names) < 1+r.IntN(80) {
			switch {
			case len(names) > 0 && r.IntN(8) == 0:
				names = append(names, pick(names))
			case len(names) > 0 && r.IntN(2) == 0: // in the same object
				before := names[len(names)-1]
				names = append(names, before[:strings.LastIndexByte(before, '.')+1]+pick(nodes))
			default:
				name := pick(nodes)
				for range r.IntN(5) {
					name += "." + pick(nodes)
				}
				names = append(names, name)
			}
		}
		// The names are the same again and again, what stands beside them is not.
		valued := func() (list string) {
			for _, name := range names {
				prefix := pick([]string{"xsd:", "xsd:", "xsd:", "soap-enc:", "none:", ""})
				list += "<ParameterValueStruct><Name>" + name + "</Name><Value xsi:type=\"" + prefix + pick(types) + "\">" + pick(values) + "</Value></ParameterValueStruct>"
			}
			return "\n  | <ParameterList>" + list + "</ParameterList>\n"
		}
		named := func() (list string) {
			for _, name := range names {
				list += "<ParameterInfoStruct><Name>" + name + "</Name><Writable>" + pick([]string{"0", "1", "yes"}) + "</Writable></ParameterInfoStruct>"
			}
			return "\n  | <ParameterList>" + list + "</ParameterList>\n"
		}
		var attributed strings.Builder
		for _, name := range names {
			attributed.WriteString("<ParameterAttributeStruct><Name>" + name + "</Name><Notification>0</Notification><AccessList/></ParameterAttributeStruct>")
		}
		paths := []string{"Device.", "Device.", "Device.A.", "A.", names[0]}
		text := "informant scenario 1\ncpe Inform\nacs InformResponse\ncpe empty\n"
		var asked []string // full names too
		for _, name := range names {
			if len(asked) < 12 && !strings.ContainsAny(name, " {}[]é*") && name != "" && r.IntN(2) == 0 {
				asked = append(asked, name)
			}
		}
		asks := []string{paths[0], paths[2], paths[3], strings.Join(append(asked, "Device.B"), ","), strings.Join(append([]string{"Device."}, asked...), ",")}
		for range 6 {
			text += "acs GetParameterValues ParameterNames=[" + pick(asks) + "]\ncpe GetParameterValuesResponse -ParameterList" + valued()
			path := pick(paths)
			if strings.ContainsAny(path, " {}[]é*") || path == "" {
				path = "Device."
			}
			text += "acs GetParameterNames ParameterPath=" + path + " NextLevel=" + pick([]string{"0", "0", "1"}) + "\ncpe GetParameterNamesResponse -ParameterList" + named()
		}
		text += "acs SetParameterValues -ParameterList" + valued() + "cpe SetParameterValuesResponse\n" +
			"acs GetParameterAttributes ParameterNames=[Device.]\ncpe GetParameterAttributesResponse -ParameterList\n  | <ParameterList>" + attributed.String() + "</ParameterList>\nacs 204\n"
		find := func(c *Checker) []Finding {
			src, err := scenario.NewSource("scenario", strings.NewReader(text))
			if err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			return run(t, src, c, nil)
		}
		got, want := find(&Checker{}), find(&Checker{Coverage: true})
		if !slices.Equal(lines(got), lines(want)) {
			t.Fatalf("seed %d: with facts %q, without %q, of %s", seed, lines(got), lines(want), text)
		}
	}
}

// TestKnownLists holds that a list whose names were met before tells what it told.
func TestKnownLists(t *testing.T) {
	names := []string{"Device.A", "Device.X_y", "Device.X_y.B", "Device.HostNumberOfEntries", "Device.ManagementServer.PeriodicInformInterval", "Device.DeviceInfo.SerialNumber", "Device.ManagementServer.Password",
		"Device.DeviceInfo.Manufacturer", "Device.", " Device.B", "Device.A"}
	values := []string{"", "1", "x", strings.Repeat("v", 100)}
	said := func(p *Pass, list []cwmp.ParameterValueStruct, infos []cwmp.ParameterInfoStruct) string {
		p.unlist()
		m := &cwmp.Message{Args: &cwmp.GetParameterValuesResponse{ParameterList: cwmp.List[cwmp.ParameterValueStruct]{Items: list}}}
		text := fmt.Sprint(p.argumentFacts(m), p.marks, p.marked, p.oddValues)
		for _, l := range p.vendors {
			text += " " + l.Value
		}
		p.unlist()
		m = &cwmp.Message{Args: &cwmp.GetParameterNamesResponse{ParameterList: cwmp.List[cwmp.ParameterInfoStruct]{Items: infos}}}
		text += fmt.Sprint(p.argumentFacts(m), p.marks, p.marked, p.oddValues)
		for _, l := range p.vendors {
			text += " " + l.Value
		}
		asked := cwmp.List[cwmp.Leaf]{}
		for i := range list {
			asked.Items = append(asked.Items, list[i].Name)
		}
		return text + fmt.Sprint(p.argumentFacts(&cwmp.Message{Args: &cwmp.GetParameterValues{ParameterNames: asked}}))
	}
	kept := 0
	reused := new(Pass)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		list, infos := make([]cwmp.ParameterValueStruct, r.IntN(12)), []cwmp.ParameterInfoStruct{}
		for i := range list {
			list[i].Name = cwmp.Leaf{Value: names[r.IntN(len(names))], Present: true}
			infos = append(infos, cwmp.ParameterInfoStruct{Name: list[i].Name})
		}
		for range 4 {
			for i := range list {
				list[i].Value = cwmp.Leaf{Value: values[r.IntN(len(values))], XSIType: "xsd:string", Present: true}
				infos[i].Writable = cwmp.Leaf{Value: values[r.IntN(len(values))], Present: true}
			}
			if got, want := said(reused, list, infos), said(new(Pass), list, infos); got != want {
				t.Fatalf("seed %d: %s, not %s", seed, got, want)
			}
		}
		kept += len(reused.known.known)
	}
	if kept == 0 {
		t.Error("no list was kept")
	}
	for seed := range 40 { // whose every name is noted
		list := make([]cwmp.ParameterValueStruct, 1000*(seed%10+1))
		for i := range list {
			list[i].Name = cwmp.Leaf{Value: fmt.Sprintf("Device.S%d.I%dNumberOfEntries", seed, i), Present: true}
		}
		said(reused, list, nil)
		all := 0
		for _, k := range reused.known.known {
			all += len(k.marked) + len(k.vendors) + len(k.secrets) + len(k.limits)
		}
		if all > maxNoted || all > reused.known.noted {
			t.Fatalf("%d names are noted, and %d counted", all, reused.known.noted)
		}
	}
}
