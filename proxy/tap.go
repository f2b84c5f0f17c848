package proxy

import (
	"io"
	"sync"
	"time"

	"informant/capture"
)

// Tap is a bounded queue of records between a Proxy, which never waits for it, and
// one observer, to whom it is a capture.Source. What finds no room is dropped; in
// its place the observer gets a Gap. The zero value is ready.
type Tap struct {
	// Limit is how many bytes may wait; 64 MB where it is 0. A record counts as
	// its bytes and 128 more.
	Limit int
	// Tick is how long Next waits for a record: then it returns one without a
	// connection that says what time it is. 0: as long as it takes.
	Tick time.Duration

	mu     sync.Mutex
	come   chan struct{} // has one value while the observer is to be woken
	queue  []capture.Record
	data   []byte // of the records in queue
	size   int
	closed bool
	lost   Lost

	// The observer's own.
	batch []capture.Record
	spare []byte
	at    int
	seq   uint64
}

// Lost is what a Tap had no room for.
type Lost struct {
	Records int64
	Bytes   int64
}

const (
	tapLimit   = 64 << 20
	recordCost = 128
	// gather is how long an observer that was idle waits for more, so that it is
	// not woken for each record.
	gather = 500 * time.Microsecond
)

// lane is what a Tap's observer knows of a connection. It belongs to the relay.
type lane struct {
	open bool
	lost [2]int64
}

func (t *Tap) limit() int {
	if t.Limit > 0 {
		return t.Limit
	}
	return tapLimit
}

// put copies a record into the queue, if there is room. Ends of connections
// always find some: as much again as the limit.
func (t *Tap) put(l *lane, r capture.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	limit := t.limit()
	if r.Kind != capture.Data {
		limit *= 2
	}
	if t.size+len(r.Data)+recordCost > limit {
		t.lost.Records++
		t.lost.Bytes += int64(len(r.Data))
		l.lost[r.From] += int64(len(r.Data))
		return
	}
	if !l.open && r.Kind != capture.Open {
		t.add(capture.Record{Time: r.Time, Conn: r.Conn, Kind: capture.Open, Midstream: true})
	}
	l.open = true
	if n := l.lost[r.From]; n > 0 && r.Kind != capture.Open {
		l.lost[r.From] = 0
		t.add(capture.Record{Time: r.Time, Conn: r.Conn, From: r.From, Kind: capture.Gap, Lost: n})
	}
	if o := r.From.Opposite(); r.Kind == capture.Close && r.Both && l.lost[o] > 0 {
		t.add(capture.Record{Time: r.Time, Conn: r.Conn, From: o, Kind: capture.Gap, Lost: l.lost[o]})
		l.lost[o] = 0
	}
	t.add(r)
	t.wake()
}

func (t *Tap) add(r capture.Record) {
	n := len(t.data)
	t.data = append(t.data, r.Data...)
	r.Data = t.data[n:len(t.data):len(t.data)]
	t.queue = append(t.queue, r)
	t.size += len(r.Data) + recordCost
}

// wake tells the observer that there is something.
func (t *Tap) wake() {
	if t.come == nil {
		t.come = make(chan struct{}, 1)
	}
	select {
	case t.come <- struct{}{}:
	default:
	}
}

// Close says that no more records will come. What waits can still be read.
func (t *Tap) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.wake()
	return nil
}

// Lost says what was dropped so far.
func (t *Tap) Lost() Lost {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// Depth is how many bytes wait.
func (t *Tap) Depth() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// Next waits for the next record; io.EOF follows the last after Close. Its Data is
// valid until the next call.
func (t *Tap) Next() (capture.Record, error) {
	for t.at == len(t.batch) {
		switch t.fetch() {
		case over:
			return capture.Record{}, io.EOF
		case silent:
			return capture.Record{Time: time.Now()}, nil
		}
	}
	r := t.batch[t.at]
	t.batch[t.at] = capture.Record{}
	t.at++
	t.seq++
	r.Seq = t.seq
	return r, nil
}

// Ready says whether Next will not wait.
func (t *Tap) Ready() bool {
	if t.at < len(t.batch) {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue) > 0
}

// fetched is what came of a fetch.
type fetched uint8

const (
	some   fetched = iota // records
	silent                // none came for a Tick
	over                  // there will be none
)

// fetch takes over what waits, and waits for it when there is nothing.
func (t *Tap) fetch() fetched {
	for idle := false; ; idle = true {
		t.mu.Lock()
		if t.come == nil {
			t.come = make(chan struct{}, 1)
		}
		if len(t.queue) > 0 || t.closed {
			break
		}
		t.mu.Unlock()
		if !t.wait() {
			return silent
		}
		if idle {
			continue
		}
		time.Sleep(gather)
	}
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return over
	}
	t.queue, t.batch = t.batch[:0], t.queue
	t.data, t.spare = t.spare[:0], t.data
	t.size, t.at = 0, 0
	const large = 4 << 20
	if cap(t.data) > large { // of a time when much waited
		t.data = nil
	}
	if cap(t.queue) > large/recordCost {
		t.queue = nil
	}
	return some
}

// wait waits for word that there is something; false says that none came for a
// Tick.
func (t *Tap) wait() bool {
	if t.Tick <= 0 {
		<-t.come
		return true
	}
	timer := time.NewTimer(t.Tick)
	defer timer.Stop()
	select {
	case <-t.come:
		return true
	case <-timer.C:
		return false
	}
}
