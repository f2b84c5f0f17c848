package soap

import (
	"fmt"
	"strings"
	"testing"
)

func manyValues(n int) string {
	var b strings.Builder
	b.WriteString(`<s:Envelope xmlns:s="` + EnvelopeNS + `" xmlns:xsi="` + InstanceNS + `" xmlns:xsd="` + SchemaNS + `"><s:Body><P>` + "\n")
	for i := range n {
		fmt.Fprintf(&b, "<ParameterValueStruct>\n<Name>Device.IP.Interface.%d.Stats.Counter%d</Name>\n<Value xsi:type=\"xsd:string\">some value</Value>\n</ParameterValueStruct>\n", i/20+1, i%20)
	}
	return b.String() + "</P></s:Body></s:Envelope>"
}

// BenchmarkScanner reads all tokens of 2 MB.
func BenchmarkScanner(b *testing.B) {
	text := manyValues(15000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var s Scanner
		s.reset(text, 0)
		for s.Next() != EOF {
		}
	}
}

func BenchmarkOdd(b *testing.B) {
	text := manyValues(15000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if odd(text, 0) != len(text) {
			b.Fatal("odd")
		}
	}
}

func BenchmarkPaths(b *testing.B) {
	for _, asked := range []int{1, 100} {
		b.Run(itoa(asked), func(b *testing.B) {
			text := manyValues(15000)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d := &Document{Text: text}
				for i := range asked {
					PathAt(d, i*len(text)/asked+100)
				}
			}
		})
	}
}
