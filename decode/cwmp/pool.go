package cwmp

import (
	"slices"
	"sync"
	"unsafe"

	"informant/decode/http1"
	"informant/decode/soap"
)

// Pool takes back the memory of Messages that nobody knows any more, with that of
// their HTTP messages, and lends it to new ones (http1.Pool). The zero value is
// ready, and safe for concurrent use; so is a nil *Pool, which keeps nothing.
type Pool struct {
	HTTP http1.Pool

	mu        sync.Mutex
	singles   []*single
	documents []*soap.Document
	args      [len(pooled)][]lent
	held      int // bytes of the lists in args
}

const (
	singlesMost = 1024    // Messages, and Documents, that are kept
	argsMost    = 256     // arguments of a method that are kept
	listsMost   = 4 << 20 // bytes of lists in them
)

// single is a Message and the list that it is alone in, as most are.
type single struct {
	Message
	list [1]*Message
}

// Put takes back the messages of a session, with all that they hold. Nobody may
// know one of them any more, nor a string that was taken out of it.
func (p *Pool) Put(messages []*Message) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var document *soap.Document
	var from *http1.Message
	for _, m := range messages {
		if d := m.Document; d != nil && d != document { // those of one HTTP message stand side by side
			document = d
			if d.Empty(); len(p.documents) < singlesMost {
				p.documents = append(p.documents, d)
			}
		}
		if h := m.HTTP; h != nil && h != from {
			from = h
			p.HTTP.Put(h)
		}
		p.putArgs(m.Args)
		if s := m.single; s != nil {
			if *s = (single{}); len(p.singles) < singlesMost {
				p.singles = append(p.singles, s)
			}
		} else {
			*m = Message{}
		}
	}
}

// lent is arguments, made empty, and the bytes of their lists.
type lent struct {
	args Struct
	size int
}

// pooled are the methods of which the arguments are kept: those that most
// sessions hold and that have lists in them.
var pooled = [...]string{"Inform", "GetParameterValues", "GetParameterValuesResponse", "SetParameterValues", "GetParameterNamesResponse"}

// putArgs takes back arguments.
func (p *Pool) putArgs(s Struct) {
	kind, size := 0, 0
	switch s := s.(type) {
	case *Inform:
		kind, size = 0, s.Event.empty()+s.ParameterList.empty()
		*s = Inform{Event: s.Event, ParameterList: s.ParameterList}
	case *GetParameterValues:
		kind, size = 1, s.ParameterNames.empty()
	case *GetParameterValuesResponse:
		kind, size = 2, s.ParameterList.empty()
	case *SetParameterValues:
		kind, size = 3, s.ParameterList.empty()
		*s = SetParameterValues{ParameterList: s.ParameterList}
	case *GetParameterNamesResponse:
		kind, size = 4, s.ParameterList.empty()
	default:
		return
	}
	if len(p.args[kind]) < argsMost && p.held+size <= listsMost {
		p.args[kind] = append(p.args[kind], lent{s, size})
		p.held += size
	}
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
		if n := len(p.singles) - 1; n >= 0 {
			s = p.singles[n]
			p.singles[n], p.singles = nil, p.singles[:n]
		}
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
	n := len(p.documents) - 1
	if n < 0 {
		return nil
	}
	d := p.documents[n]
	p.documents[n], p.documents = nil, p.documents[:n]
	return d
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
