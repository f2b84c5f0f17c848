package cwmp

import (
	"fmt"
	"testing"
)

// TestDeviceBook holds that the device that was learnt first goes where there are too
// many, and no other; and that one is known by what was learnt of it last.
func TestDeviceBook(t *testing.T) {
	d := deviceBook{most: 100}
	address := func(i int) string { return fmt.Sprintf("192.0.2.%d:7547", i) }
	device := func(i int) DeviceID { return DeviceID{"Maker", "00D09E", "", fmt.Sprint(i)} }
	for i := range 250 {
		id := device(i)
		if _, fresh := d.learn([]byte(address(i)), &id); !fresh {
			t.Fatalf("%d is not fresh", i)
		}
		if _, fresh := d.learn([]byte(address(i)), &id); fresh {
			t.Fatalf("%d is fresh again", i)
		}
	}
	for i := range 250 {
		if id, ok := d.device(address(i)); ok != (i >= 150) || ok && id != device(i) {
			t.Errorf("%d: %v, %v", i, id, ok)
		}
	}
	other := DeviceID{"Other", "00D09F", "Class", "x"}
	if _, fresh := d.learn([]byte(address(200)), &other); !fresh {
		t.Error("another device at an address is not fresh")
	}
	if id, _ := d.device(address(200)); id != other {
		t.Errorf("200 is %v", id)
	}
}

// TestTexts holds that texts stay as they were kept.
func TestTexts(t *testing.T) {
	var k Texts
	var all []string
	text := func(i int) string { return fmt.Sprintf("%0*d", i%700, i) }
	for i := range 3000 {
		if i%2 == 0 {
			all = append(all, k.Keep(text(i)))
		} else {
			all = append(all, k.KeepBytes([]byte(text(i))))
		}
	}
	for i, s := range all {
		if s != text(i) {
			t.Fatalf("text %d is %q", i, s)
		}
	}
}
