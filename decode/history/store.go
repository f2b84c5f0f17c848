package history

import (
	"hash/maphash"
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

	known   int              // devices
	byKey   map[uint32]int32 // by a hash of the key: the first slot of a chain
	byHost  map[uint32]int32 // by a hash of the address that they called from last: the first of a chain
	seed    maphash.Seed
	blocks  [][]slot
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
	host         [16]byte // the address that it called from, as netip.Addr.As16; zero where that isn't known
	newer, older int32    // by when they were seen last
	left, right  int32    // those at the same host
	next         int32    // one whose key has the same hash
}

// blockSlots is how many slots are made at once: none is ever moved, so that there is no
// room for more than are needed.
const blockSlots = 256

func (s *Store) slot(i int32) *slot { return &s.blocks[i/blockSlots][i%blockSlots] }

func (s *Store) hash(key string) uint32 { return uint32(maphash.String(s.seed, key)) }

func (s *Store) hostHash(host [16]byte) uint32 { return uint32(maphash.Bytes(s.seed, host[:])) }

// hostOf is an address as slots have it, and addressOf undoes it.
func hostOf(a netip.Addr) (host [16]byte) {
	if a.IsValid() {
		host = a.As16()
	}
	return host
}

func addressOf(host [16]byte) netip.Addr {
	if host == [16]byte{} {
		return netip.Addr{}
	}
	return netip.AddrFrom16(host).Unmap()
}

// Len is how many devices are known.
func (s *Store) Len() int { return s.known }

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
	if s.at != none && s.slot(s.at).key == key {
		return s.at, true
	}
	i, ok = s.byKey[s.hash(key)]
	for ok && i != none && s.slot(i).key != key {
		i = s.slot(i).next
	}
	return i, ok && i != none
}

// open makes the device of a slot the current one.
func (s *Store) open(i int32) *Device {
	if s.at != i {
		x := s.slot(i)
		s.packer.unpack(x.packed, &s.current)
		s.current.Key, s.current.Address, s.at = x.key, addressOf(x.host), i
	}
	return &s.current
}

// close packs the current device.
func (s *Store) close() {
	s.slot(s.at).packed = s.packer.pack(&s.current)
	s.at = none
}

// All calls f for each device, the one that was seen last first. It is f's until f
// returns; f may not change the store.
func (s *Store) All(f func(*Device)) {
	if s.byKey == nil {
		return
	}
	for i := s.newest; i != none; i = s.slot(i).older {
		f(s.open(i))
	}
}

// Put takes what is known of a device from elsewhere, as the oldest. It copies it.
func (s *Store) Put(d *Device) {
	s.start()
	if _, known := s.find(d.Key); known || d.Key == "" {
		return
	}
	i := s.take(d.Key, hostOf(d.Address))
	x := s.slot(i)
	x.packed, x.newer, x.older = s.packer.pack(d), s.oldest, none
	if s.oldest != none {
		s.slot(s.oldest).older = i
	} else {
		s.newest = i
	}
	s.oldest = i
	s.keep()
}

func (s *Store) start() {
	if s.byKey == nil {
		s.byKey, s.byHost, s.seed = map[uint32]int32{}, map[uint32]int32{}, maphash.MakeSeed()
		s.newest, s.oldest, s.free, s.at = none, none, none, none
	}
}

// take is a slot for a new device, in no order yet.
func (s *Store) take(key string, host [16]byte) int32 {
	i := s.free
	if i != none {
		s.free = s.slot(i).older
	} else {
		last := len(s.blocks) - 1
		if last < 0 || len(s.blocks[last]) == blockSlots {
			s.blocks = append(s.blocks, make([]slot, 0, blockSlots))
			last++
		}
		i = int32(last*blockSlots + len(s.blocks[last]))
		s.blocks[last] = s.blocks[last][:len(s.blocks[last])+1]
	}
	h := s.hash(key)
	next, ok := s.byKey[h]
	if !ok {
		next = none
	}
	*s.slot(i) = slot{key: s.keys.Keep(key), newer: none, older: none, left: none, right: none, next: next}
	s.byKey[h] = i
	s.known++
	s.arrive(i, host)
	return i
}

// keep lets the oldest go beyond the limit.
func (s *Store) keep() {
	limit := s.Limit
	if limit == 0 {
		limit = 100_000
	}
	for s.known > limit {
		s.drop(s.oldest)
	}
}

// arrive notes where a device calls from, and leave that it no longer does.
func (s *Store) arrive(i int32, host [16]byte) {
	x := s.slot(i)
	x.host, x.left, x.right = host, none, none
	h := s.hostHash(host)
	if first, ok := s.byHost[h]; ok {
		x.right = first
		s.slot(first).left = i
	}
	s.byHost[h] = i
}

func (s *Store) leave(i int32) {
	x := s.slot(i)
	if x.right != none {
		s.slot(x.right).left = x.left
	}
	switch {
	case x.left != none:
		s.slot(x.left).right = x.right
	case x.right != none:
		s.byHost[s.hostHash(x.host)] = x.right
	default:
		delete(s.byHost, s.hostHash(x.host))
	}
}

// first makes a device the one that was seen last.
func (s *Store) first(i int32) {
	if s.newest == i {
		return
	}
	s.unlink(i)
	x := s.slot(i)
	x.newer, x.older = none, s.newest
	if s.newest != none {
		s.slot(s.newest).newer = i
	} else {
		s.oldest = i
	}
	s.newest = i
}

// unlink takes a device out of the order by when they were seen, where it is in it.
func (s *Store) unlink(i int32) {
	x := s.slot(i)
	if x.newer != none {
		s.slot(x.newer).older = x.older
	} else if s.newest == i {
		s.newest = x.older
	}
	if x.older != none {
		s.slot(x.older).newer = x.newer
	} else if s.oldest == i {
		s.oldest = x.newer
	}
	x.newer, x.older = none, none
}

func (s *Store) drop(i int32) {
	s.unlink(i)
	s.leave(i)
	s.unchain(i)
	if s.at == i {
		s.at = none
	}
	*s.slot(i) = slot{older: s.free}
	s.free = i
	s.known--
}

// unchain takes a device out of those whose keys have the same hash.
func (s *Store) unchain(i int32) {
	x := s.slot(i)
	h := s.hash(x.key)
	if first := s.byKey[h]; first != i {
		for s.slot(first).next != i {
			first = s.slot(first).next
		}
		s.slot(first).next = x.next
	} else if x.next != none {
		s.byKey[h] = x.next
	} else {
		delete(s.byKey, h)
	}
}

// Forget lets a device begin anew: of one of its sessions not all was seen.
func (s *Store) Forget(key string) {
	if i, ok := s.find(key); ok {
		s.drop(i)
	}
}

// ForgetAt lets all devices begin anew that called from an address the last time:
// something came from there of which it isn't known which device said it.
func (s *Store) ForgetAt(address netip.Addr) {
	if s.byKey == nil {
		return
	}
	for _, host := range [][16]byte{hostOf(address), {}} {
		i, ok := s.byHost[s.hostHash(host)]
		for ok && i != none {
			x := s.slot(i)
			next := x.right
			if x.host == host {
				s.drop(i)
			}
			i = next
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
	var host [16]byte
	if len(x.Conns) > 0 && x.Conns[0].Client.IsValid() {
		host = hostOf(x.Conns[0].Client.Addr().Unmap())
	}
	i, known := s.find(key)
	if known {
		s.open(i)
	} else {
		i = s.take(key, host)
		s.current.begin()
		s.current.Key, s.current.Since, s.at = s.slot(i).key, x.Start, i
	}
	s.first(i)
	if host != [16]byte{} && host != s.slot(i).host {
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
