package check

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// facts is what is odd about a message, as far as it can be told cheaply, in
// one reading. A check that names facts has nothing to say of a message
// without them; whether it has something to say of one with them it finds out
// by itself. Most messages have none, and so hardly any check is run on them.
type facts uint64

// The body.
const (
	ill          facts = 1 << iota // a quirk that makes it ill-formed
	rawChars                       // soap.RawNonASCII
	undeclared                     // soap.NoDeclaration
	otherSet                       // quirks of the character set
	otherQuirk                     // any other quirk
	crowd                          // not exactly one method
	oddSpace                       // its method is in no namespace of CWMP 1.0 to 1.2, a Fault in none of SOAP's
	oddEncoding                    // arrayType is in another namespace
	bulky                          // longer than maxRequest
	oddMethod                      // not a known request in its direction, or a deprecated one
	oddID                          // an answer whose ID, or namespace, is not that of its request
	noID                           // of a request
	oddMust                        // a header block whose mustUnderstand is not SOAP's "1"
	moreBlocks                     // header blocks that are unknown, or there twice
	oddArray                       // a list whose arrayType isn't exactly what it should be
	long                           // a string that may be longer than its schema has it
	oddFlag                        // a boolean argument that isn't
	extras                         // unknown arguments
	oddName                        // a parameter's name that may not obey the grammar
	oddValue                       // a parameter's value that may not fit its type
	leaky                          // a value that leaked from a program
	secretive                      // a secret parameter with a value
	acting                         // arguments of the rarest methods
	listing                        // lists names that were asked for
	oddResult                      // a Status that isn't 0 or 1
	partial                        // a parameter whose name may be none of a parameter
	twice                          // a parameter is there twice
	special                        // events other than those that stand for themselves
	keyed                          // an event with a CommandKey
	several                        // events, some of which may be the same
	oddEnvelopes                   // a MaxEnvelopes that isn't 1
	oddDevice                      // a member of DeviceId that looks wrong
	oddTime                        // a CurrentTime that looks wrong
	oddInform                      // the number of events, or RetryCount
	oddForced                      // not all forced parameters
	twoRoots                       // parameters below both roots
	oddCall                        // ConnectionRequestURL or versions look wrong
)

// HTTP, and the session around it.
const (
	emptyKind    facts = oddCall << (1 + iota) // cwmp.Empty
	padded                                     // not a method, and a body
	hasType                                    // Content-Type
	hasAction                                  // SOAPAction
	noAction                                   // no SOAPAction
	namedActions                               // a SOAPAction with a value
	noHost                                     // no Host
	expects                                    // Expect
	connects                                   // a Connection that isn't keep-alive
	credentials                                // Authorization
	basic                                      // Basic, in Authorization or WWW-Authenticate
	setsCookie                                 // Set-Cookie
	oldHTTP                                    // not HTTP/1.1
	oddType                                    // a Content-Type other than text/xml, or none
	oddCharset                                 // its charset may not be UTF-8
	oddFraming                                 // a quirk of HTTP
	not200                                     // another status
	redirected                                 // 3xx
	failed                                     // 4xx, 5xx, other than 401
	refused                                    // 401
	calling                                    // a method of the CPE other than Inform
	rare                                       // pipelined, resent, or with HoldRequests
	vendorNames                                // a name with X_ in it
	longValues                                 // a value that may be longer than its data model has it
	encoded                                    // Content-Encoding
	oddBinding                                 // a type's prefix that the envelope binds to no namespace of types
)

// everything is the facts of a message of which nothing can be told cheaply.
const everything = ^facts(0)

// factsOf is the facts of the pass's message, and whether a box between the two
// sides told of itself.
func (p *Pass) factsOf(s shape) (f facts, relayed bool) {
	m := p.Message
	if m.HTTP == nil {
		return everything, false
	}
	f, relayed = headFacts(m.HTTP)
	if m.HTTP.Version != "HTTP/1.1" {
		f |= oldHTTP
	}
	if len(m.HTTP.Quirks) > 0 {
		f |= oddFraming
	}
	if len(m.HTTP.Body) > maxRequest {
		f |= bulky
	}
	f |= statusFacts(m)
	switch m.Kind {
	case cwmp.Empty:
		f |= emptyKind
		fallthrough
	case cwmp.Unreadable:
		if len(m.HTTP.Body) > 0 {
			f |= padded
		}
	}
	if m.Early || m.Resend || m.Header.HoldRequests != nil {
		f |= rare
	}
	f |= documentFacts(m.Document) | headerFacts(&m.Header)
	if s&anEnvelope != 0 {
		f |= p.methodFacts()
	}
	if m.Args != nil {
		f |= argumentFacts(m)
	}
	return f, relayed
}

func statusFacts(m *cwmp.Message) (f facts) {
	if m.Status != 200 {
		f |= not200
	}
	switch {
	case m.Status == 401:
		f |= refused
	case m.Status >= 400:
		f |= failed
	case m.Status >= 300:
		f |= redirected
	}
	return f
}

// documentFacts is what is odd about an envelope as a whole.
func documentFacts(d *soap.Document) (f facts) {
	if d == nil {
		return 0
	}
	if len(d.Methods) != 1 {
		f |= crowd
	}
	if d.EncodingNS != "" && d.EncodingNS != soap.EncodingNS {
		f |= oddEncoding
	}
	for i := range d.Quirks {
		switch d.Quirks[i].Kind {
		case soap.Malformed, soap.Truncated, soap.NotXML, soap.UnknownEntity, soap.BareAmpersand, soap.UnquotedAttr, soap.DuplicateAttr,
			soap.LeadingSpace, soap.TwoColons, soap.TooDeep, soap.TooManyElements:
			f |= ill
		case soap.RawNonASCII:
			f |= rawChars
		case soap.NoDeclaration:
			f |= undeclared
		case soap.CharsetOther, soap.CharsetMismatch, soap.BadCharset:
			f |= otherSet
		default:
			f |= otherQuirk
		}
	}
	return f
}

// methodFacts is what is odd about a method, or a Fault, and its ID.
func (p *Pass) methodFacts() (f facts) {
	m := p.Message
	switch m.Method.Space {
	case soap.EnvelopeNS:
		if m.Kind != cwmp.Fault {
			f |= oddSpace
		}
	case "urn:dslforum-org:cwmp-1-0", "urn:dslforum-org:cwmp-1-1", "urn:dslforum-org:cwmp-1-2":
		if m.Kind == cwmp.Fault {
			f |= oddSpace
		}
	default:
		f |= oddSpace
	}
	if isRequest(m) {
		if !m.HasID {
			f |= noID
		}
		if m.From == cwmp.CPE && m.RPC != "Inform" {
			f |= calling
		}
		if !usual(m) {
			f |= oddMethod
		}
		return f
	}
	if t := p.transaction(); t != nil && (t.Request.HasID != m.HasID || t.Request.ID != m.ID || m.Kind == cwmp.Response && t.Request.Method.Space != m.Method.Space) {
		f |= oddID
	}
	return f
}

// usual says whether a request is one that every peer knows, in its direction.
func usual(m *cwmp.Message) bool {
	switch m.RPC {
	case "Inform", "TransferComplete":
		return m.From == cwmp.CPE
	case "GetParameterValues", "GetParameterNames", "SetParameterValues", "AddObject", "DeleteObject", "Download", "Reboot", "GetParameterAttributes", "SetParameterAttributes":
		return m.From == cwmp.ACS
	}
	return false
}

// headerFacts is what is odd about the header blocks of an envelope.
func headerFacts(h *cwmp.Header) (f facts) {
	for _, b := range [...]*soap.Block{h.ID, h.HoldRequests, h.NoMoreRequests, h.SessionTimeout, h.SupportedCWMPVersions, h.UseCWMPVersion} {
		if b != nil && !must(b) {
			f |= oddMust
		}
	}
	if len(h.Other) > 0 {
		f |= oddMust | moreBlocks
	}
	return f
}

// argumentFacts is what is odd about a message's arguments. The common methods
// are looked at here; of the others everything may be.
func argumentFacts(m *cwmp.Message) (f facts) {
	if len(m.Extra) > 0 {
		f |= extras
	}
	if len(m.Notes) > 0 {
		f |= oddArray
	}
	switch a := m.Args.(type) {
	case *cwmp.Inform:
		return f | informFacts(m, a)
	case *cwmp.InformResponse:
		if a.MaxEnvelopes.Value != "1" {
			f |= oddEnvelopes
		}
	case *cwmp.GetParameterValuesResponse:
		if repeated(a.ParameterList.Items) {
			f |= twice
		}
		return f | listing | listFacts(&a.ParameterList.ArrayInfo, len(a.ParameterList.Items), "ParameterValueStruct") | parameterFacts(m.Document, a.ParameterList.Items)
	case *cwmp.SetParameterValues:
		f |= listFacts(&a.ParameterList.ArrayInfo, len(a.ParameterList.Items), "ParameterValueStruct") | parameterFacts(m.Document, a.ParameterList.Items)
		if len(a.ParameterKey.Value) > 32 {
			f |= long
		}
		if repeated(a.ParameterList.Items) {
			f |= twice
		}
	case *cwmp.GetParameterValues:
		f |= listFacts(&a.ParameterNames.ArrayInfo, len(a.ParameterNames.Items), "string")
		var names nameReader
		for i := range a.ParameterNames.Items {
			f |= names.facts(a.ParameterNames.Items[i].Value) &^ partial
		}
	case *cwmp.GetParameterNames:
		f |= pathFacts(a.ParameterPath.Value) | flagFacts(&a.NextLevel)
	case *cwmp.GetParameterNamesResponse:
		f |= listing | listFacts(&a.ParameterList.ArrayInfo, len(a.ParameterList.Items), "ParameterInfoStruct")
		var names nameReader
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			f |= names.facts(x.Name.Value)&^partial | flagFacts(&x.Writable)
		}
	case *cwmp.SetParameterValuesResponse:
		f |= resultFacts(&a.Status)
	case *cwmp.AddObjectResponse:
		f |= resultFacts(&a.Status)
	case *cwmp.DeleteObjectResponse:
		f |= resultFacts(&a.Status)
	case *cwmp.DownloadResponse:
		f |= resultFacts(&a.Status)
	case *cwmp.RebootResponse, *cwmp.TransferCompleteResponse:
	case *cwmp.AddObject:
		f |= pathFacts(a.ObjectName.Value)
		if len(a.ParameterKey.Value) > 32 {
			f |= long
		}
	case *cwmp.DeleteObject:
		f |= pathFacts(a.ObjectName.Value)
		if len(a.ParameterKey.Value) > 32 {
			f |= long
		}
	case *cwmp.Reboot:
		if len(a.CommandKey.Value) > 32 {
			f |= long
		}
	case *cwmp.TransferComplete:
		if len(a.CommandKey.Value) > 32 || len(a.FaultStruct.FaultString.Value) > 256 {
			f |= long
		}
	case *cwmp.Download:
		f |= downloadFacts(a)
	case *cwmp.GetParameterAttributesResponse:
		f |= oddArray | long | oddName | listing | acting
	default:
		f |= oddArray | long | oddFlag | oddName | acting | oddResult | secretive
	}
	return f
}

func downloadFacts(a *cwmp.Download) (f facts) {
	if a.Password.Value != "" {
		f |= secretive
	}
	if len(a.CommandKey.Value) > 32 || len(a.FileType.Value) > 64 {
		f |= long
	}
	for _, l := range [...]*cwmp.Leaf{&a.URL, &a.Username, &a.Password, &a.TargetFileName, &a.SuccessURL, &a.FailureURL} {
		if len(l.Value) > 256 {
			f |= long
		}
	}
	return f
}

// listFacts tells whether a list of n items is declared exactly so: a prefix,
// the type, and the number without leading zeros.
func listFacts(i *cwmp.ArrayInfo, n int, item string) facts {
	if !i.Present {
		return 0
	}
	t := i.ArrayType
	c := strings.IndexByte(t, ':') + 1
	b := c + len(item)
	if i.Declared != n || len(t) < b+2 || t[c:b] != item || t[b] != '[' || t[b+1] == '0' && n != 0 || t[b+1] == ' ' || len(t) > b+2 && t[b+1] == '0' && t[b+2] != ']' {
		return oddArray
	}
	return 0
}

func flagFacts(l *cwmp.Leaf) facts {
	if l.Present && !boolean(l.Value) {
		return oddFlag
	}
	return 0
}

func resultFacts(l *cwmp.Leaf) facts {
	if l.Value != "0" && l.Value != "1" {
		return oddResult
	}
	return 0
}

// nameReader reads the names of a list, most of which begin as the one before
// them does. The zero value is ready.
type nameReader struct {
	object string // that the name before is in, with its dot; it obeys the grammar
}

// facts tells whether a name is beyond doubt, and that of a parameter.
func (r *nameReader) facts(name string) facts {
	rest, known := strings.CutPrefix(name, r.object)
	if !plainName(rest) || len(name) > 256 {
		return oddName | partial | long | vendorNames
	}
	if strings.Contains(rest, "X_") {
		return r.plain(name, rest, known) | vendorNames
	}
	return r.plain(name, rest, known)
}

// plain is facts of a name that obeys the grammar.
func (r *nameReader) plain(name, rest string, known bool) facts {
	if name == "" || name[len(name)-1] == '.' {
		return partial
	}
	if i := strings.LastIndexByte(rest, '.'); i >= 0 || !known {
		r.object = name[:len(name)-len(rest)+i+1]
	}
	return 0
}

// pathFacts is what is odd about the name of a parameter or an object.
func pathFacts(name string) facts { return new(nameReader).facts(name) &^ partial }

// What a byte may be in a name.
const (
	letter = 1 << iota
	digit
	dash
)

var inName = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = digit
		case c == '-':
			t[c] = dash
		}
	}
	return t
}()

// plainName says whether a name obeys the grammar beyond doubt: it is what most
// names are, and those of which it is not sure go to nameProblem.
func plainName(s string) bool {
	if len(s) > 256 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch inName[s[i]] {
		case letter:
			for i++; i < len(s) && inName[s[i]] != 0; i++ {
			}
		case digit:
			for i++; i < len(s) && inName[s[i]] == digit; i++ {
			}
		default:
			return false
		}
		if i < len(s) && s[i] != '.' {
			return false
		}
	}
	return true
}

// parameterFacts is what is odd about parameters with values.
func parameterFacts(d *soap.Document, list []cwmp.ParameterValueStruct) (f facts) {
	prefix := ":" // of the type before, with its colon
	var names nameReader
	for i := range list {
		x := &list[i]
		if t := x.Value.XSIType; !strings.HasPrefix(t, prefix) {
			if c := strings.IndexByte(t, ':'); c > 0 {
				prefix = t[:c+1]
				f |= bindingFacts(d, t[:c])
			}
		}
		f |= names.facts(x.Name.Value) | valueFacts(&x.Value)
		if len(x.Value.Value) > shortest {
			f |= longValues
		}
		if x.Value.Value != "" && cwmp.IsSecret(x.Name.Value) {
			f |= secretive
		}
	}
	return f
}

// bindingFacts tells whether the envelope binds the prefix of a type beyond
// doubt.
func bindingFacts(d *soap.Document, prefix string) facts {
	if d == nil {
		return 0
	}
	for i := range d.Envelope.Attr {
		if a := &d.Envelope.Attr[i]; a.Name.Prefix == "xmlns" && a.Name.Local == prefix && typeSpace(a.Value) {
			return 0
		}
	}
	return oddBinding
}

// valueFacts tells whether a value fits its type beyond doubt.
func valueFacts(l *cwmp.Leaf) (f facts) {
	if !l.Present || l.Nested {
		return 0
	}
	v := l.Value
	if l.Untyped || !fits(l.XSIType[strings.IndexByte(l.XSIType, ':')+1:], v) {
		f = oddValue
	}
	if len(v) >= 3 {
		if c := v[0]; c == '(' || c|0x20 == 'n' || c|0x20 == 'u' || c <= ' ' || c >= 0x80 {
			if leak(v) {
				f |= leaky
			}
		}
	}
	return f
}

// fits says whether a value is of a type beyond doubt.
func fits(typ, v string) bool {
	switch typ {
	case "string":
		return true
	case "unsignedInt":
		return len(v) < 10 && digits(v)
	case "boolean":
		return boolean(v)
	case "int":
		v = strings.TrimPrefix(v, "-")
		return len(v) < 10 && digits(v)
	case "unsignedLong":
		return len(v) < 19 && digits(v)
	case "long":
		v = strings.TrimPrefix(v, "-")
		return len(v) < 19 && digits(v)
	case "dateTime":
		return plainTime(v)
	}
	return false
}

// digits says whether a text is digits, and not empty.
func digits(v string) bool {
	for i := range len(v) {
		if v[i]-'0' > 9 {
			return false
		}
	}
	return v != ""
}

// plainTime says whether a text has the form 2006-01-02T15:04:05Z and is a time
// that can be, beyond doubt.
func plainTime(v string) bool {
	const form = "dddd-dd-ddTdd:dd:ddZ"
	if len(v) != len(form) {
		return false
	}
	for i := range len(form) {
		if form[i] == 'd' && v[i]-'0' > 9 || form[i] != 'd' && v[i] != form[i] {
			return false
		}
	}
	month, day, hour := v[5:7], v[8:10], v[11:13]
	return month >= "01" && month <= "12" && day >= "01" && day <= "28" && hour <= "23" && v[14] <= '5' && v[17] <= '5'
}
