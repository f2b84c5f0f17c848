package cwmp

import (
	"slices"
	"sync"
	"unsafe"

	"informant/decode/http1"
	"informant/decode/shelf"
	"informant/decode/soap"
)

// Pool takes back the memory of Messages that nobody knows any more, with that of
// their HTTP messages, and lends it to new ones (http1.Pool). The zero value is
// ready, and safe for concurrent use; so is a nil *Pool, which keeps nothing.
type Pool struct {
	HTTP http1.Pool

	mu        sync.Mutex
	sessions  shelf.Pile[tracked]
	singles   shelf.Pile[single]
	documents shelf.Pile[soap.Document]
	args      [len(pooled)][]lent
	held      int // bytes of the lists in args
	values    shelf.Shelf[ParameterValueStruct]
	infos     shelf.Shelf[ParameterInfoStruct]
}

const (
	sessionsMost = 256     // sessions that are kept
	singlesMost  = 1024    // Messages, and Documents, that are kept
	argsMost     = 256     // arguments of a method that are kept
	listsMost    = 2 << 20 // bytes of lists in them
	listLong     = 1024    // items from which a list is kept by itself
	longMost     = 4 << 20 // bytes of such lists, of each type, that are kept
)

// returned is what was taken back of some messages and made empty, which takes its time: it
// is cold. Only then is it handed to who may be waiting for the lock.
type returned struct {
	n, documents, singles, http int // how many there are, of messages and of the lists

	ofArgs      [16]lent
	ofDocuments [16]*soap.Document
	ofSingles   [16]*single
	ofHTTP      [16]*http1.Message
	values      [][]ParameterValueStruct // long lists, which few have
	infos       [][]ParameterInfoStruct
}

// take hands on what was taken back.
func (p *Pool) take(b *returned) {
	p.HTTP.Put(b.ofHTTP[:b.http]...)
	p.mu.Lock()
	for _, d := range b.ofDocuments[:b.documents] {
		p.documents.Put(d, singlesMost)
	}
	for _, s := range b.ofSingles[:b.singles] {
		p.singles.Put(s, singlesMost)
	}
	for _, list := range b.values {
		p.values.Put(list, longMost)
	}
	for _, list := range b.infos {
		p.infos.Put(list, longMost)
	}
	for _, l := range b.ofArgs[:b.n] {
		if l.args != nil && len(p.args[l.kind]) < argsMost && p.held+l.size <= listsMost {
			p.args[l.kind] = append(p.args[l.kind], l)
			p.held += l.size
		}
	}
	p.mu.Unlock()
	*b = returned{}
}

// single is a Message and the list that it is alone in, as most are.
type single struct {
	Message
	list [1]*Message
}

// Put takes back a session that is over, and its messages with all that they hold. Nobody
// may know it any more, nor one of them, nor a string that was taken out of it. Where an
// exchange of the session is not over it is left alone.
func (p *Pool) Put(s *Session) {
	if p == nil || s.Pending > 0 {
		return
	}
	p.messages(s.Messages)
	x := s.whole
	if x == nil || s != &x.Session {
		return
	}
	*x = tracked{}
	if p.HTTP.Spoil {
		x.spoil()
	}
	p.mu.Lock()
	p.sessions.Put(x, sessionsMost)
	p.mu.Unlock()
}

// spoil, for tests, makes a session that was taken back tell nonsense.
func (s *tracked) spoil() {
	s.ID, s.Device.SerialNumber, s.URL, s.State, s.Lost, s.ended = [16]byte{0xbd}, "spoilt", "spoilt", Broken, -1, true
	s.Messages = []*Message{{RPC: "spoilt"}}
	s.Transactions = []*Transaction{{Request: s.Messages[0]}}
	for i := range s.room.transaction {
		s.room.transaction[i].Request = s.Messages[0]
	}
}

// session returns one as new.
func (p *Pool) session() *tracked {
	if p == nil {
		return new(tracked)
	}
	p.mu.Lock()
	s := p.sessions.Take()
	p.mu.Unlock()
	switch {
	case s == nil:
		return new(tracked)
	case p.HTTP.Spoil:
		*s = tracked{}
	}
	return s
}

// messages takes back the messages of a session.
func (p *Pool) messages(messages []*Message) {
	var b returned
	var document *soap.Document
	var from *http1.Message
	for _, m := range messages {
		if b.n == len(b.ofArgs) {
			p.take(&b)
		}
		if d := m.Document; d != nil && d != document { // those of one HTTP message stand side by side
			document = d
			d.Empty()
			b.ofDocuments[b.documents] = d
			b.documents++
		}
		if h := m.HTTP; h != nil && h != from {
			from = h
			b.ofHTTP[b.http] = h
			b.http++
		}
		b.ofArgs[b.n] = b.emptied(m.Args)
		if s := m.single; s != nil {
			*s = single{}
			b.ofSingles[b.singles] = s
			b.singles++
		} else {
			*m = Message{}
		}
		b.n++
	}
	p.take(&b)
}

// lent is arguments, made empty, and the bytes of their lists.
type lent struct {
	args Struct
	size int
	kind int // in pooled
}

// pooled are the methods of which the arguments are kept: those that most
// sessions hold and that have lists in them.
var pooled = [...]string{"Inform", "GetParameterValues", "GetParameterValuesResponse", "SetParameterValues", "GetParameterNamesResponse"}

// emptied is arguments made empty, none where those of their method are not kept. A long list
// of theirs is put into b.
func (b *returned) emptied(s Struct) lent {
	switch s := s.(type) {
	case *Inform:
		size := s.Event.empty() + s.ParameterList.empty()
		*s = Inform{Event: s.Event, ParameterList: s.ParameterList}
		return lent{s, size, 0}
	case *GetParameterValues:
		return lent{s, s.ParameterNames.empty(), 1}
	case *GetParameterValuesResponse:
		b.values = s.ParameterList.detach(b.values)
		return lent{s, s.ParameterList.empty(), 2}
	case *SetParameterValues:
		b.values = s.ParameterList.detach(b.values)
		size := s.ParameterList.empty()
		*s = SetParameterValues{ParameterList: s.ParameterList}
		return lent{s, size, 3}
	case *GetParameterNamesResponse:
		b.infos = s.ParameterList.detach(b.infos)
		return lent{s, s.ParameterList.empty(), 4}
	}
	return lent{}
}

// detach takes a long list's items away, makes them empty, and appends them to those of others.
func (l *List[T]) detach(others [][]T) [][]T {
	if cap(l.Items) < listLong {
		return others
	}
	items := l.Items
	l.Items = nil
	clear(items)
	return append(others, items[:0])
}

// grow makes room for n items in a list.
func (p *Pool) grow(a Array, n int) {
	if p != nil && n >= listLong && a.Len() == 0 {
		p.mu.Lock()
		switch l := a.(type) {
		case *List[ParameterValueStruct]:
			if items := p.values.Take(n); items != nil {
				l.Items = items
			}
		case *List[ParameterInfoStruct]:
			if items := p.infos.Take(n); items != nil {
				l.Items = items
			}
		}
		p.mu.Unlock()
	}
	a.grow(n)
}

// empty takes the items out of a list, and says how many bytes it has room for.
func (l *List[T]) empty() int {
	clear(l.Items)
	*l = List[T]{Items: l.Items[:0]}
	var item T
	return cap(l.Items) * int(unsafe.Sizeof(item))
}

// message returns a Message as new, and the list that it is alone in.
func (p *Pool) message() *single {
	var s *single
	if p != nil {
		p.mu.Lock()
		s = p.singles.Take()
		p.mu.Unlock()
	}
	if s == nil {
		s = new(single)
	}
	s.Message.single = s
	s.list[0] = &s.Message
	return s
}

// document returns a Document as new, nil where there is none.
func (p *Pool) document() *soap.Document {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.documents.Take()
}

// arguments returns the arguments of a method as new, nil where there are none.
func (p *Pool) arguments(method string) Struct {
	if p == nil {
		return nil
	}
	kind := slices.Index(pooled[:], method)
	if kind < 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.args[kind]
	n := len(list) - 1
	if n < 0 {
		return nil
	}
	l := list[n]
	list[n], p.args[kind] = lent{}, list[:n]
	p.held -= l.size
	return l.args
}
