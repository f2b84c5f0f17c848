package pcap

import (
	"errors"
	"io"

	"informant/capture"
)

// Input is one capture file: its name, for messages and Conn.Point, and its
// bytes, which are read once from front to back.
type Input struct {
	Name string
	R    io.Reader
}

// Source yields what was said on the TCP connections of capture files. It is
// not safe for use by several goroutines.
type Source struct {
	merge   merger
	frags   *fragments
	asm     *assembler
	stats   Stats
	secrets []Secrets
	ended   bool // the packets have ended
	told    bool // and the error that ended them was told
	ip      ipPacket
	seg     segment
}

var _ capture.Source = (*Source)(nil)

// NewSource opens capture files as one: their packets are merged by time
// before streams are put together, so a connection goes on from one file of a
// rotated capture to the next. Record.Packet is the number in the packet's own
// file.
//
// It reads the beginning of each input. An error names the input and wraps
// capture.ErrFormat when that is no capture, capture.ErrEmpty when it holds
// nothing, capture.ErrDamaged when it cannot be unpacked, or what its reader
// said.
func NewSource(inputs []Input, o Options) (*Source, error) {
	if len(inputs) == 0 {
		return nil, errors.New("pcap: no input")
	}
	s := &Source{}
	o = o.withDefaults()
	s.frags = newFragments(o)
	s.asm = newAssembler(o, &s.stats)
	for _, in := range inputs {
		i, err := openInput(in, func(k Secrets) { s.secrets = append(s.secrets, k) })
		if err != nil {
			return nil, err
		}
		s.merge.open = append(s.merge.open, i)
	}
	return s, nil
}

// Next returns the next record; its Data is valid until the next call. After
// the last packet every open connection is closed (capture.EndOfInput), then
// comes io.EOF, or first, once, what was damaged.
func (s *Source) Next() (capture.Record, error) {
	a := s.asm
	for a.taken == len(a.out) {
		if !s.step() {
			return capture.Record{}, s.finalError()
		}
	}
	a.taken++
	return a.out[a.taken-1], nil
}

// step reads a packet, or closes a connection when there are no more; false
// when all is done.
func (s *Source) step() bool {
	a := s.asm
	clear(a.out)
	a.out, a.taken = a.out[:0], 0
	if len(a.spent) > 0 {
		a.recycle()
	}
	if !s.ended {
		p, err := s.merge.next()
		if err == nil {
			s.packet(p)
			return true
		}
		s.ended = true
	}
	if f := a.open.head; f != nil {
		a.end(f, capture.EndOfInput)
		return true
	}
	return false
}

func (s *Source) finalError() error {
	if s.told {
		return io.EOF
	}
	s.told = true
	return s.merge.err()
}

// packet takes a packet apart.
func (s *Source) packet(p *packet) {
	s.stats.Packets++
	s.stats.Bytes += int64(len(p.data))
	now := p.ts
	if now == noTime {
		now = p.in.lastTS
	}
	s.asm.tick(now)
	ip, known := datagram(p.link, p.data)
	switch {
	case p.link == noLink:
		s.stats.Other++
		return
	case !known:
		if s.stats.Unsupported++; s.stats.Unsupported == 1 {
			s.stats.LinkType = p.link
		}
		return
	case ip == nil:
		s.stats.Other++
		return
	case !parseIP(&s.ip, ip, p.orig-len(p.data)):
		s.stats.Broken++
		return
	}
	if s.ip.fragment {
		s.stats.Fragments++
		whole := s.frags.put(&s.ip, now)
		s.stats.FragmentsLost = s.frags.dropped
		if !whole {
			return
		}
	}
	s.transport(p)
}

func (s *Source) transport(p *packet) {
	switch s.ip.proto {
	case protoTCP:
		if !parseTCP(&s.seg, &s.ip) {
			s.stats.Broken++
			return
		}
		s.stats.TCP++
		s.seg.at, s.seg.facts = stamp{p.ts, p.number}, p.facts
		s.asm.segment(&s.seg, p.in.name)
	case protoUDP:
		s.udp(p)
	default:
		s.stats.Other++
	}
}

// Stats counts what was read so far.
func (s *Source) Stats() Stats { return s.stats }

// Secrets are the Decryption Secrets Blocks read so far.
func (s *Source) Secrets() []Secrets { return s.secrets }

// Close lets go of the memory. The readers of the inputs belong to whoever
// made them.
func (s *Source) Close() error {
	s.merge.open, s.merge.current = nil, nil
	s.ended, s.told = true, true
	s.asm = newAssembler(s.asm.o, &s.stats)
	return nil
}
