package check

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"informant/capture/scenario"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// BenchmarkChecker measures the checks alone, on events that are ready.
func BenchmarkChecker(b *testing.B) {
	session := "cpe Inform events=\"2 PERIODIC\"\nacs InformResponse\ncpe empty\nacs GetParameterValues ParameterNames=[Device.]\ncpe GetParameterValuesResponse\n%sacs 204\n"
	var many strings.Builder
	for i := range 15000 {
		fmt.Fprintf(&many, "  param Device.Hosts.Host.%d.PhysAddress 00:11:22:33:44:55\n", i+1)
	}
	for _, size := range []struct{ name, params string }{{"small", "  param Device.DeviceInfo.UpTime 17 unsignedInt\n"}, {"15000 parameters", many.String()}} {
		b.Run(size.name, func(b *testing.B) {
			src, err := scenario.NewSource("bench", strings.NewReader(firstLine+fmt.Sprintf(session, size.params)))
			if err != nil {
				b.Fatal(err)
			}
			var a http1.Assembler
			var tr cwmp.Tracker
			var events []cwmp.Event
			bytes := int64(0)
			for {
				r, err := src.Next()
				if err == io.EOF {
					break
				}
				bytes += int64(len(r.Data))
				for _, e := range a.Feed(r) {
					events = append(events, tr.Feed(e, cwmp.Read(&e))...)
				}
			}
			for _, e := range a.Finish() {
				events = append(events, tr.Feed(e, cwmp.Read(&e))...)
			}
			events = append(events, tr.Finish()...)
			b.SetBytes(bytes)
			b.ReportAllocs()
			c := &Checker{}
			for b.Loop() {
				for _, e := range events {
					if found := c.Feed(e); len(found) > 0 {
						b.Fatal(found[0].Text)
					}
				}
			}
		})
	}
}
