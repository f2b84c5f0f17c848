package pcap

import (
	"errors"
	"io"
)

// merger reads several files as one stream of packets, ordered by the time of
// the packets that stand next in each. A file that is damaged leaves the
// others running.
type merger struct {
	open    []*input
	current *input // whose head was handed out
	failed  []error
}

// next returns the next packet, valid until the next call, or io.EOF when all
// files have ended, in whatever way.
func (m *merger) next() (*packet, error) {
	if i := m.current; i != nil {
		if err := i.advance(); err != nil {
			m.drop(i, err)
			m.current = nil
		} else if len(m.open) == 1 {
			return &i.head, nil
		}
	} else {
		m.prime()
	}
	m.current = m.earliest()
	if m.current == nil {
		return nil, io.EOF
	}
	return &m.current.head, nil
}

// prime reads the first packet of every file that has none ready.
func (m *merger) prime() {
	for k := 0; k < len(m.open); {
		i := m.open[k]
		if !i.ready {
			if err := i.advance(); err != nil {
				m.drop(i, err)
				continue
			}
		}
		k++
	}
}

// earliest is the input whose packet comes next; at equal times the one that
// was named first.
func (m *merger) earliest() *input {
	var best *input
	for _, i := range m.open {
		if best == nil || i.lastTS < best.lastTS {
			best = i
		}
	}
	return best
}

func (m *merger) drop(i *input, err error) {
	if err != io.EOF {
		m.failed = append(m.failed, err)
	}
	for k, o := range m.open {
		if o == i {
			m.open = append(m.open[:k], m.open[k+1:]...)
			return
		}
	}
}

// err is what went wrong in all files together, or io.EOF.
func (m *merger) err() error {
	switch len(m.failed) {
	case 0:
		return io.EOF
	case 1:
		return m.failed[0]
	}
	return errors.Join(m.failed...)
}
