package history

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fill gives each field below v a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(epoch-int64(*n)*1_000_003, int64(*n)).UTC()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n)
			}
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+*n%3, 1+*n%3))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(*n+i) & 0xff)
		}
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprint("text ", *n/4))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(*n) * map[bool]int64{true: 1, false: -70_000}[v.Type().Size() == 1 || *n%2 == 0])
	case v.CanUint():
		v.SetUint(uint64(*n) & 1)
	default:
		panic(v.Type().String())
	}
}

// TestPack: what is known of a device is the same after it was packed, whatever was
// packed and unpacked before.
func TestPack(t *testing.T) {
	var p packer
	var got Device
	n := 0
	for i := range 40 {
		var d Device
		if i%4 != 3 {
			fill(reflect.ValueOf(&d).Elem(), &n)
		}
		d.Key, d.Address = "", got.Address // the store has them
		if i%4 == 2 {
			n -= 300 // texts that were seen before
		}
		p.unpack(p.pack(&d), &got)
		// An empty slice is as good as none.
		if want, have := strings.ReplaceAll(fmt.Sprintf("%#v", d), "(nil)", "{}"), strings.ReplaceAll(fmt.Sprintf("%#v", got), "(nil)", "{}"); want != have {
			t.Fatalf("%d:\n%s\nwas\n%s", i, have, want)
		}
	}
	if len(p.texts) == 0 {
		t.Error("no text was found to be in common")
	}
}
