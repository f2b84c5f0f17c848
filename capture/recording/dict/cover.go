package dict

import (
	"encoding/binary"
	"slices"
)

const (
	word    = 8    // bytes of what is counted
	segment = 2048 // bytes of what is chosen at a time
	buckets = 1 << 21
)

// cover chooses the content of a dictionary. What was chosen first stands at its
// end, which is nearest to what is compressed.
func cover(samples [][]byte, size int) []byte {
	total := 0
	for _, s := range samples {
		total += len(s)
	}
	if total <= size {
		return slices.Concat(samples...)
	}
	c := count(samples)
	content := make([]byte, size)
	at := size
	rounds := max(1, size/segment/4) // the samples are gone through about four times
	next := parts(samples, max(total/rounds, 10*segment))
	for idle := 0; at > 0 && idle <= rounds; idle++ {
		best := c.best(next())
		if len(best) < word {
			continue
		}
		idle = 0
		c.take(best)
		best = best[max(0, len(best)-at):]
		at -= copy(content[at-len(best):], best)
	}
	return content[at:]
}

// parts returns a function that goes through the samples round and round, n bytes
// at a time.
func parts(samples [][]byte, n int) func() [][]byte {
	i, rest := 0, samples[0]
	return func() (list [][]byte) {
		for left := n; left > 0; {
			if len(rest) > left {
				list = append(list, rest[:min(len(rest), left+word-1)])
				rest = rest[left:]
				return list
			}
			list = append(list, rest)
			left -= max(1, len(rest))
			i = (i + 1) % len(samples)
			rest = samples[i]
		}
		return list
	}
}

// counter knows, by the hash of a word, in how many samples it is.
type counter struct {
	samples []uint32 // 0 too where it is in one only, or in what was taken
	inside  []uint32 // how often it is in the segment that is looked at
}

func hash(p []byte) uint32 {
	return uint32(binary.LittleEndian.Uint64(p) * 0x9E3779B185EBCA87 >> (64 - 21))
}

func count(samples [][]byte) *counter {
	c := &counter{samples: make([]uint32, buckets), inside: make([]uint32, buckets)}
	seen := c.inside // the last sample with the word, while they are counted
	for i, s := range samples {
		for ; len(s) >= word; s = s[1:] {
			if h := hash(s); seen[h] != uint32(i+1) {
				seen[h] = uint32(i + 1)
				c.samples[h]++
			}
		}
	}
	clear(c.inside)
	for h, n := range c.samples {
		if n == 1 {
			c.samples[h] = 0
		}
	}
	return c
}

// best is the segment of these parts of which the words, each counted once, are
// in most samples.
func (c *counter) best(list [][]byte) (best []byte) {
	var top uint64
	for _, p := range list {
		var sum uint64
		first := 0 // the first word of the segment
		for j := 0; j+word <= len(p); j++ {
			h := hash(p[j:])
			if c.inside[h]++; c.inside[h] == 1 {
				sum += uint64(c.samples[h])
			}
			if j+word-first > segment {
				sum -= c.leave(p[first:])
				first++
			}
			if sum > top {
				top, best = sum, p[first:j+word]
			}
		}
		for ; first+word <= len(p); first++ {
			c.leave(p[first:])
		}
	}
	return c.trim(best)
}

// leave takes the first word of p out of the segment, and returns what that is
// worth.
func (c *counter) leave(p []byte) uint64 {
	h := hash(p)
	if c.inside[h]--; c.inside[h] == 0 {
		return uint64(c.samples[h])
	}
	return 0
}

// trim cuts off both ends what is worth nothing.
func (c *counter) trim(p []byte) []byte {
	for len(p) >= word && c.samples[hash(p)] == 0 {
		p = p[1:]
	}
	for len(p) >= word && c.samples[hash(p[len(p)-word:])] == 0 {
		p = p[:len(p)-1]
	}
	return p
}

// take counts what is in the dictionary now for nothing.
func (c *counter) take(p []byte) {
	for ; len(p) >= word; p = p[1:] {
		c.samples[hash(p)] = 0
	}
}
