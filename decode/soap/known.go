package soap

import (
	"slices"
	"strings"
)

const (
	// tagSets and tagWays say how many start tags a tagCache has room for.
	tagSets = 128
	tagWays = 4
	// longestTag is how long one may be. Envelope's, with its namespaces, is of
	// 300 to 500 bytes.
	longestTag = 1024
	// cacheFrom is the length of a text from which on a cache pays even when
	// nothing else is read with it.
	cacheFrom = 64 << 10
)

// tagCache holds start tags that were read. The tags of CWMP are few and come
// again and again, in a text and from text to text, so that most are known by
// comparing them as a whole. All that it holds is its own, no part of a text.
type tagCache struct {
	hashes   [tagSets][tagWays]uint32
	tags     [tagSets * tagWays]tag
	next     [tagSets * tagWays]uint16 // the slot of the tag that followed on each the last time
	missed   [tagSets]uint32           // the hash of the last tag that was looked for in vain
	patterns patterns
}

// find is the slot of the tag with that text and hash, -1 when it is not there.
func (c *tagCache) find(raw string, hash uint32) int {
	set := int(hash % tagSets)
	for i, h := range &c.hashes[set] {
		if h == hash && c.tags[set*tagWays+i].raw == raw {
			return set*tagWays + i
		}
	}
	return -1
}

// hashOf is the hash of a tag's text.
func hashOf(raw string) uint32 {
	const (
		k1 = 0x9E3779B97F4A7C15
		k2 = 0xC2B2AE3D27D4EB4F
	)
	n := len(raw)
	h := uint64(n)
	if n < 8 {
		for i := range n {
			h = h<<8 ^ h>>56 ^ uint64(raw[i])
		}
	} else {
		h ^= word(raw[:8])*k1 ^ word(raw[n-8:])*k2
		h = (h^h>>31)*k1 ^ word(raw[n/2-4:])
	}
	h *= k1
	return uint32(h >> 32)
}

// remember puts a tag that was read well into the cache: one that declares
// namespaces at once, as all names inside of it depend on it, others when they
// come for the second time.
func (s *Scanner) remember(t *tag, raw string, hash uint32) {
	if s.cache == nil || raw == "" {
		return
	}
	c, set := s.cache, int(hash%tagSets)
	if t.inner == t.env && c.missed[set] != hash {
		c.missed[set] = hash
		return
	}
	slot := c.find(raw, hash)
	if slot < 0 {
		slot = set * tagWays
		for i := slot + 1; i < (set+1)*tagWays; i++ {
			if c.tags[i].used < c.tags[slot].used {
				slot = i
			}
		}
	}
	c.hashes[set][slot%tagWays] = hash
	c.tags[slot] = tag{}
	c.tags[slot] = t.own(raw)
	c.tags[slot].used = s.serial
}

// own is t made of memory of its own. raw is its text.
func (t *tag) own(raw string) tag {
	k := *t
	k.raw = strings.Clone(raw)
	name := k.raw[:k.qname]
	k.name.Prefix, k.name.Local = name[:len(t.name.Prefix)], name[len(name)-len(t.name.Local):]
	k.attr = slices.Clone(t.attr)
	for i := range k.attr {
		a := &k.attr[i]
		a.Name.Prefix, a.Name.Local = strings.Clone(a.Name.Prefix), strings.Clone(a.Name.Local)
		if v := k.raw[a.At.Start-1 : a.At.End-1]; v == a.Value { // else it was made
			a.Value = v
		}
		switch {
		case a.Name.Prefix == "xmlns":
			k.binds = append(k.binds, binding{a.Name.Local, ownSpace(a.Value)})
		case a.Name.Prefix == "" && a.Name.Local == "xmlns":
			k.binds = append(k.binds, binding{"", ownSpace(a.Value)})
		}
	}
	k.xsiType = strings.Clone(k.xsiType)
	return k
}
