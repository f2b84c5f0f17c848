package history

import (
	"net/netip"
	"slices"
	"time"

	"informant/decode/cwmp"
)

// Store keeps devices. The zero value is ready.
//
// Of a device that isn't looked at it keeps a short text (see packed), so that many
// take little memory, and no time of the garbage collector.
type Store struct {
	// Limit is how many devices are kept, those that were seen last: 100,000 where it
	// is 0. One that was let go begins anew.
	Limit int

	byKey   map[string]int32
	byHost  map[netip.Addr]int32 // the first of those that called from there last
	slots   []slot
	newest  int32
	oldest  int32
	free    int32 // the first slot that holds no device; they are linked by older
	packer  packer
	keys    cwmp.Texts
	current Device // the one that was looked at last
	at      int32  // its slot
}

// none is no slot.
const none = -1

// slot is a device.
type slot struct {
	key          string
	packed       string
	host         netip.Addr
	newer, older int32 // by when they were seen last
	left, right  int32 // those at the same host
}

// Len is how many devices are known.
func (s *Store) Len() int { return len(s.byKey) }

// Device is what is known of a device, nil where nothing is. It is valid until the
// next call of the store, and not to be changed.
func (s *Store) Device(key string) *Device {
	if i, ok := s.find(key); ok {
		return s.open(i)
	}
	return nil
}

// find is the slot of a device. It is mostly asked for more than once in a row.
func (s *Store) find(key string) (i int32, ok bool) {
	if s.byKey == nil {
		return none, false
	}
	if s.at != none && s.slots[s.at].key == key {
		return s.at, true
	}
	i, ok = s.byKey[key]
	return i, ok
}

// open makes the device of a slot the current one.
func (s *Store) open(i int32) *Device {
	if s.at != i {
		s.packer.unpack(s.slots[i].packed, &s.current)
		s.current.Key, s.current.Address, s.at = s.slots[i].key, s.slots[i].host, i
	}
	return &s.current
}

// close packs the current device.
func (s *Store) close() {
	s.slots[s.at].packed = s.packer.pack(&s.current)
	s.at = none
}

// All calls f for each device, the one that was seen last first. It is f's until f
// returns; f may not change the store.
func (s *Store) All(f func(*Device)) {
	if s.byKey == nil {
		return
	}
	for i := s.newest; i != none; i = s.slots[i].older {
		f(s.open(i))
	}
}

// Put takes what is known of a device from elsewhere, as the oldest. It copies it.
func (s *Store) Put(d *Device) {
	s.start()
	if _, known := s.byKey[d.Key]; known || d.Key == "" {
		return
	}
	i := s.slot(d.Key, d.Address)
	s.slots[i].packed = s.packer.pack(d)
	s.slots[i].newer, s.slots[i].older = s.oldest, none
	if s.oldest != none {
		s.slots[s.oldest].older = i
	} else {
		s.newest = i
	}
	s.oldest = i
	s.keep()
}

func (s *Store) start() {
	if s.byKey == nil {
		s.byKey, s.byHost = map[string]int32{}, map[netip.Addr]int32{}
		s.newest, s.oldest, s.free, s.at = none, none, none, none
	}
}

// slot is one for a new device, in no order yet.
func (s *Store) slot(key string, host netip.Addr) int32 {
	i := s.free
	if i != none {
		s.free = s.slots[i].older
	} else {
		i = int32(len(s.slots))
		s.slots = append(s.slots, slot{})
	}
	key = s.keys.Keep(key)
	s.slots[i] = slot{key: key, newer: none, older: none, left: none, right: none}
	s.byKey[key] = i
	s.arrive(i, host)
	return i
}

// keep lets the oldest go beyond the limit.
func (s *Store) keep() {
	limit := s.Limit
	if limit == 0 {
		limit = 100_000
	}
	for len(s.byKey) > limit {
		s.drop(s.oldest)
	}
}

// arrive notes where a device calls from, and leave that it no longer does.
func (s *Store) arrive(i int32, host netip.Addr) {
	x := &s.slots[i]
	x.host, x.left, x.right = host, none, none
	if first, ok := s.byHost[host]; ok {
		x.right = first
		s.slots[first].left = i
	}
	s.byHost[host] = i
}

func (s *Store) leave(i int32) {
	x := &s.slots[i]
	if x.right != none {
		s.slots[x.right].left = x.left
	}
	switch {
	case x.left != none:
		s.slots[x.left].right = x.right
	case x.right != none:
		s.byHost[x.host] = x.right
	default:
		delete(s.byHost, x.host)
	}
}

// first makes a device the one that was seen last.
func (s *Store) first(i int32) {
	if s.newest == i {
		return
	}
	s.unlink(i)
	s.slots[i].newer, s.slots[i].older = none, s.newest
	if s.newest != none {
		s.slots[s.newest].newer = i
	} else {
		s.oldest = i
	}
	s.newest = i
}

// unlink takes a device out of the order by when they were seen, where it is in it.
func (s *Store) unlink(i int32) {
	x := &s.slots[i]
	if x.newer != none {
		s.slots[x.newer].older = x.older
	} else if s.newest == i {
		s.newest = x.older
	}
	if x.older != none {
		s.slots[x.older].newer = x.newer
	} else if s.oldest == i {
		s.oldest = x.newer
	}
	x.newer, x.older = none, none
}

func (s *Store) drop(i int32) {
	s.unlink(i)
	s.leave(i)
	delete(s.byKey, s.slots[i].key)
	if s.at == i {
		s.at = none
	}
	s.slots[i] = slot{older: s.free}
	s.free = i
}

// Forget lets a device begin anew: of one of its sessions not all was seen.
func (s *Store) Forget(key string) {
	if i, ok := s.byKey[key]; ok {
		s.drop(i)
	}
}

// ForgetAt lets all devices begin anew that called from an address the last time:
// something came from there of which it isn't known which device said it.
func (s *Store) ForgetAt(address netip.Addr) {
	for _, host := range []netip.Addr{address, {}} {
		for i, ok := s.byHost[host]; ok; i, ok = s.byHost[host] {
			s.drop(i)
		}
	}
}

// Add takes a session that was seen whole, and tells the commands of earlier sessions
// of which it says what became of them. They are the caller's.
func (s *Store) Add(x *cwmp.Session) []Done {
	key := x.Device.Key()
	in := informOf(x)
	if key == "" || in == nil {
		return nil
	}
	s.start()
	var host netip.Addr
	if len(x.Conns) > 0 && x.Conns[0].Client.IsValid() {
		host = x.Conns[0].Client.Addr().Unmap()
	}
	i, known := s.find(key)
	if known {
		s.open(i)
	} else {
		i = s.slot(key, host)
		s.current.begin()
		s.current.Key, s.current.Since, s.at = s.slots[i].key, x.Start, i
	}
	s.first(i)
	if host.IsValid() && host != s.slots[i].host {
		s.leave(i)
		s.arrive(i, host)
	}
	d := &s.current
	d.add(x, in)
	done := slices.DeleteFunc(d.done, func(x Done) bool { return x.Session == d.Last.ID })
	d.done = nil
	s.close()
	s.keep()
	return done
}

// Pending calls f for each command that was asked for and of which nothing was heard
// since: sessions of the device went well after it, or more than the wait has passed
// beyond its delay until now.
func (s *Store) Pending(now time.Time, wait time.Duration, f func(device string, c *Command)) {
	s.All(func(d *Device) {
		for i := range d.Commands {
			if c := &d.Commands[i]; !c.AtOnce && (c.Good > 0 || now.Sub(c.Asked) > c.Delay+wait) && now.Sub(c.Asked) > c.Delay {
				f(d.Key, c)
			}
		}
	})
}
