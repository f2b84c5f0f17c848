package check

import (
	"strings"

	"informant/decode/cwmp"
)

// shape is what a message has that checks look at. A check that needs something
// is not run on a message without it.
type shape uint32

const (
	anInform    shape = 1 << iota
	aFault            // a SOAP Fault
	aRequest          // calls a method
	anAnswer          // a response or Fault
	anEnvelope        // any of them
	typed             // has typed arguments
	valued            // has parameters with values
	quirky            // its document has quirks
	noted             // its arguments have notes
	headed            // has header blocks, ID aside
	aPOST             // of the CPE
	aReply            // an HTTP response of the ACS
	breached          // the state table has something against it
	first             // the first method of its HTTP message
	fresh             // no resend
	bodied            // has a body, or had one that wasn't kept
	onObject          // AddObject, DeleteObject
	onTransfer        // asks for a transfer
	aReport           // of a transfer
	isKeyed           // may have a CommandKey of the ACS
	numbered          // has numbers that are no values of parameters
	started           // answers what asks for a transfer
	setsValues        // SetParameterValues
	tellsNames        // GetParameterNamesResponse
	tellsValues       // GetParameterValuesResponse
	hasInterval       // a parameter PeriodicInformInterval; this and the next only where the facts were looked for
	hasCount          // one that ends with NumberOfEntries
)

// markedShape is the shape that comes of the names of a message's parameters.
func markedShape(m marks) (s shape) {
	if m&paced != 0 {
		s |= hasInterval
	}
	if m&counted != 0 {
		s |= hasCount
	}
	return s
}

// shapeOf is the shape of a message.
func shapeOf(m *cwmp.Message, isFirst bool) shape {
	var s shape
	set := func(is bool, bit shape) {
		if is {
			s |= bit
		}
	}
	set(isInform(m), anInform)
	set(m.Kind == cwmp.Fault, aFault)
	set(isRequest(m), aRequest)
	set(answers(m), anAnswer)
	set(isEnvelope(m), anEnvelope)
	set(m.Args != nil, typed)
	set(len(parameters(m)) > 0, valued)
	set(m.Document != nil && len(m.Document.Quirks) > 0, quirky)
	set(len(m.Notes) > 0, noted)
	h := &m.Header
	set(h.HoldRequests != nil || h.NoMoreRequests != nil || h.SessionTimeout != nil || h.SupportedCWMPVersions != nil || h.UseCWMPVersion != nil || len(h.Other) > 0, headed)
	set(m.From == cwmp.CPE, aPOST)
	set(m.From == cwmp.ACS, aReply)
	set(m.Breach != cwmp.NoBreach, breached)
	set(isFirst, first)
	set(!m.Resend, fresh)
	set(m.HTTP != nil && (len(m.HTTP.Body) > 0 || m.HTTP.Omitted > 0), bodied)
	switch m.Args.(type) {
	case *cwmp.AddObject, *cwmp.DeleteObject:
		s |= onObject
	case *cwmp.Download, *cwmp.ScheduleDownload, *cwmp.Upload:
		s |= onTransfer | isKeyed | numbered
	case *cwmp.RequestDownload:
		s |= onTransfer
	case *cwmp.Reboot, *cwmp.ChangeDUState:
		s |= isKeyed
	case *cwmp.ScheduleInform:
		s |= isKeyed | numbered
	case *cwmp.AddObjectResponse, *cwmp.GetQueuedTransfersResponse, *cwmp.GetAllQueuedTransfersResponse:
		s |= numbered
	case *cwmp.DownloadResponse, *cwmp.UploadResponse:
		s |= started
	case *cwmp.TransferComplete, *cwmp.AutonomousTransferComplete:
		s |= aReport
	case *cwmp.SetParameterValues:
		s |= setsValues
	case *cwmp.GetParameterNamesResponse:
		s |= tellsNames
	case *cwmp.GetParameterValuesResponse:
		s |= tellsValues
	}
	return s
}

// needs is what a check needs a message to have.
func (k *Check) needs() shape {
	s := k.need
	if !k.each {
		s |= first
	}
	if k.body {
		s |= fresh
	}
	return s
}

// kind is a shape with facts.
type kind struct {
	shape shape
	facts facts
}

// kindList is the checks for messages of one kind.
type kindList struct {
	kind  kind
	known bool
	list  []runnable
}

// runnable is what running a Check takes.
type runnable struct {
	check *Check
	run   func(*Pass)
	gates Gates
}

func (k *Check) runnable() runnable { return runnable{k, k.Run, k.Gates} }

// may says whether a check can have something to say of a message with these
// facts, or of a session with such messages.
func (k *Check) may(f facts) bool {
	return f&k.with == k.with && (k.odd == 0 || f&k.odd != 0)
}

// maxKinds bounds how many kinds of messages have their list of checks kept, and maxEnds
// how many of sessions.
const (
	maxKinds = 4096
	maxEnds  = 1024
)

// of is the checks that can have something to say of a message of some shape
// with some facts. Where it matters what could not be decided, it is all that
// the message is to be judged by.
func (c *Checker) of(s shape, f facts) []runnable {
	if c.Coverage {
		return c.on(s)
	}
	at := &c.kinds[(uint64(f)^uint64(s)<<37)*0x9e3779b97f4a7c15>>56]
	if at.known && at.kind == (kind{s, f}) {
		return at.list
	}
	list, ok := c.byKind[kind{s, f}]
	if !ok {
		for _, k := range c.on(s) {
			if only := k.check.only; s&only == only && k.check.may(f) {
				list = append(list, k)
			}
		}
		if len(c.byKind) >= maxKinds {
			clear(c.byKind)
		}
		c.byKind[kind{s, f}] = list
	}
	*at = kindList{kind{s, f}, true, list}
	return list
}

// endKind is what of a session that is over tells which checks need be run: the gates that
// are open, the facts of its messages, and its course.
type endKind struct {
	open   Gates
	seen   facts
	course course
}

// ofSession is of for a session that is over.
func (c *Checker) ofSession(f *follow, open Gates) []*Check {
	if f.session.Fragment {
		for _, k := range c.sessions {
			f.close(k, k.Gates&^open)
		}
		return nil
	}
	at := endKind{open, f.seen, f.course}
	if list, ok := c.byEnd[at]; ok && !c.Coverage {
		return list
	}
	var list []*Check
	for _, k := range c.sessions {
		if shut := k.Gates &^ open; shut != 0 {
			f.close(k, shut)
			continue
		}
		if c.Coverage || k.may(f.seen) && (k.course == 0 || k.course&f.course != 0) && k.all&^f.course == 0 {
			list = append(list, k)
		}
	}
	if c.Coverage {
		return list
	}
	if len(c.byEnd) >= maxEnds {
		clear(c.byEnd)
	}
	c.byEnd[at] = list
	return list
}

// on is the checks that a message of some shape is to be judged by.
func (c *Checker) on(s shape) []runnable {
	list, ok := c.byShape[s]
	if !ok {
		for _, k := range c.messages {
			if n := k.needs(); n&s == n {
				list = append(list, k.runnable())
			}
		}
		c.byShape[s] = list
	}
	return list
}

// hasToken says whether a list of tokens, such as Connection, has one.
func hasToken(value, token string) bool {
	for value != "" {
		var t string
		t, value, _ = strings.Cut(value, ",")
		if strings.EqualFold(strings.TrimSpace(t), token) {
			return true
		}
	}
	return false
}
