package recording

// merge yields the records of groups in order of Seq. A group begins when its
// first record is due, so few are open at a time.
type merge struct {
	// begin returns the next group; groups come in order of their first Seq. nil:
	// there are no more.
	begin func() *cursor
	// failed is told of a group that cannot be read on; over of each that is done.
	failed func(c *cursor, err error)
	over   func(c *cursor)

	ahead   *cursor // the group that begins next
	drained bool    // begin has no more
	open    []*cursor
}

// next returns the cursor that holds the next record; it is valid until the next
// call. nil: there are no more.
func (m *merge) next() *cursor {
	for m.advance(); ; m.drop() {
		m.fill()
		if len(m.open) == 0 {
			return nil
		}
		err := m.open[0].recall()
		if err == nil {
			return m.open[0]
		}
		m.failed(m.open[0], err)
		m.over(m.open[0])
	}
}

// fill begins the groups that are due.
func (m *merge) fill() {
	for m.wants() {
		if m.ahead == nil {
			if m.ahead = m.begin(); m.ahead == nil {
				m.drained = true
				break
			}
		}
		if len(m.open) > 0 && m.ahead.heading.base.seq > m.open[0].record.Seq {
			break
		}
		c := m.ahead
		m.ahead = nil
		if m.step(c) {
			m.open = append(m.open, c)
			m.up(len(m.open) - 1)
		}
	}
}

// wants says whether it has to be known which group comes next: not while a
// stretch of time is read, behind which everything is later.
func (m *merge) wants() bool {
	return !m.drained && (len(m.open) == 0 || m.open[0].Kind != stretch)
}

// advance goes on behind the record that was returned last.
func (m *merge) advance() {
	if len(m.open) == 0 {
		return
	}
	if m.step(m.open[0]) {
		m.down(0)
		return
	}
	m.drop()
}

// drop takes the first group away.
func (m *merge) drop() {
	last := len(m.open) - 1
	m.open[0] = m.open[last]
	m.open[last] = nil
	m.open = m.open[:last]
	m.down(0)
}

// step reads a group's next record.
func (m *merge) step(c *cursor) bool {
	ok, err := c.next()
	if err != nil {
		m.failed(c, err)
	}
	if !ok {
		m.over(c)
	}
	return ok
}

func (m *merge) less(i, j int) bool { return m.open[i].record.Seq < m.open[j].record.Seq }

func (m *merge) up(i int) {
	for i > 0 && m.less(i, (i-1)/2) {
		m.open[i], m.open[(i-1)/2] = m.open[(i-1)/2], m.open[i]
		i = (i - 1) / 2
	}
}

func (m *merge) down(i int) {
	for {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(m.open) && m.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.open[i], m.open[least] = m.open[least], m.open[i]
		i = least
	}
}
