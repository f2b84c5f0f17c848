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
	holds                                      // HoldRequests
	vendorNames                                // a name with X_ in it, and not as it should be
	longValues                                 // a value that may be longer than its data model has it
	encoded                                    // Content-Encoding
	oddBinding                                 // a type's prefix that the envelope binds to no namespace of types
	firstContact                               // the event 0 BOOTSTRAP
)

// everything is the facts of a message of which nothing can be told cheaply.
const everything = ^facts(0)

// factsOf is the facts of the pass's message, and whether a box between the two
// sides told of itself.
func (p *Pass) factsOf(s shape) (f facts, relayed bool) {
	m := p.Message
	if m.HTTP == nil {
		p.doubt()
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
	if m.Header.HoldRequests != nil {
		f |= holds
	}
	f |= documentFacts(m.Document) | headerFacts(&m.Header)
	if s&anEnvelope != 0 {
		f |= p.methodFacts()
	}
	if m.Args != nil {
		f |= p.argumentFacts(m)
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
func (p *Pass) argumentFacts(m *cwmp.Message) (f facts) {
	if len(m.Extra) > 0 {
		f |= extras
	}
	if len(m.Notes) > 0 {
		f |= oddArray
	}
	switch a := m.Args.(type) {
	case *cwmp.Inform:
		return f | p.informFacts(m, a)
	case *cwmp.InformResponse:
		if a.MaxEnvelopes.Value != "1" {
			f |= oddEnvelopes
		}
	case *cwmp.GetParameterValuesResponse:
		return f | listing | listFacts(&a.ParameterList.ArrayInfo, len(a.ParameterList.Items), "ParameterValueStruct") | p.parameterFacts(m.Document, a.ParameterList.Items)
	case *cwmp.SetParameterValues:
		f |= listFacts(&a.ParameterList.ArrayInfo, len(a.ParameterList.Items), "ParameterValueStruct") | p.parameterFacts(m.Document, a.ParameterList.Items)
		if len(a.ParameterKey.Value) > 32 {
			f |= long
		}
	case *cwmp.GetParameterValues:
		f |= listFacts(&a.ParameterNames.ArrayInfo, len(a.ParameterNames.Items), "string")
		f |= p.askedNames(a.ParameterNames.Items)
	case *cwmp.GetParameterNames:
		f |= p.pathFacts(a.ParameterPath.Value) | flagFacts(&a.NextLevel)
	case *cwmp.GetParameterNamesResponse:
		list := a.ParameterList.Items
		names := p.infoNames(list)
		p.told = names
		f |= listing | listFacts(&a.ParameterList.ArrayInfo, len(list), "ParameterInfoStruct") | names.facts
		for _, i := range names.vendors {
			p.vendors = append(p.vendors, &list[i].Name)
		}
		for i := range list {
			f |= flagFacts(&list[i].Writable)
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
		f |= p.pathFacts(a.ObjectName.Value)
		if len(a.ParameterKey.Value) > 32 {
			f |= long
		}
	case *cwmp.DeleteObject:
		f |= p.pathFacts(a.ObjectName.Value)
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
		f |= oddArray | long | oddName | listing | acting | vendorNames
		eachName(m, func(l *cwmp.Leaf) { p.vendors = append(p.vendors, l) })
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

// parameterFacts is what is odd about parameters with values. It notes which values are
// odd.
func (p *Pass) parameterFacts(d *soap.Document, list []cwmp.ParameterValueStruct) (f facts) {
	names := p.valueNames(list)
	p.told = names
	f = names.facts
	p.marks |= names.marks
	p.marked = append(p.marked, names.marked...)
	for _, i := range names.vendors {
		p.vendors = append(p.vendors, &list[i].Name)
	}
	for _, x := range names.limits {
		if len(list[x.at].Value.Value) > int(x.most) {
			f |= longValues
		}
	}
	for _, i := range names.secrets {
		if list[i].Value.Value != "" {
			f |= secretive
		}
	}
	prefix := ":" // of the type before, with its colon
	for i := range list {
		x := &list[i]
		if t := x.Value.XSIType; !strings.HasPrefix(t, prefix) {
			if c := strings.IndexByte(t, ':'); c > 0 {
				prefix = t[:c+1]
				f |= bindingFacts(d, t[:c])
			}
		}
		v := valueFacts(&x.Value)
		if v&oddValue != 0 {
			p.oddValues = append(p.oddValues, i)
		}
		f |= v
	}
	return f
}

// doubt notes all that may be noted of a message of which nothing can be told cheaply.
func (p *Pass) doubt() {
	p.marks = anyEnding.marks
	list := parameters(p.Message)
	for i := range list {
		x := &list[i]
		p.marked = append(p.marked, marked{i, anyEnding.marks})
		p.vendors = append(p.vendors, &x.Name)
		if x.Value.Present && !x.Value.Nested {
			p.oddValues = append(p.oddValues, i)
		}
	}
	if list == nil {
		eachName(p.Message, func(l *cwmp.Leaf) { p.vendors = append(p.vendors, l) })
	}
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
	case "string", "decimal":
		return true
	case "unsignedInt":
		return fitsNumber(v, "4294967295")
	case "boolean":
		return boolean(v)
	case "int":
		return fitsNumber(strings.TrimPrefix(v, "-"), "2147483647")
	case "unsignedLong":
		return fitsNumber(v, "18446744073709551615")
	case "long":
		return fitsNumber(strings.TrimPrefix(v, "-"), "9223372036854775807")
	case "dateTime":
		return plainTime(v)
	case "base64", "base64Binary":
		return fitsBase64(v)
	case "hexBinary":
		return len(v)%2 == 0 && all(v, hexDigit)
	}
	return false
}

// fitsNumber says whether a text is a number up to a limit.
func fitsNumber(v, most string) bool {
	return digits(v) && (len(v) < len(most) || len(v) == len(most) && v <= most)
}

// fitsBase64 says whether a text is whole groups of base64.
func fitsBase64(v string) bool {
	data := strings.TrimSuffix(strings.TrimSuffix(v, "="), "=")
	return len(v)%4 == 0 && all(data, base64Digit)
}

// What a byte may be in a binary value.
const (
	hexDigit = 1 << iota
	base64Digit
)

var inBinary = func() (t [256]uint8) {
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] = hexDigit
	}
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] |= base64Digit
	}
	return t
}()

func all(v string, of uint8) bool {
	for i := range len(v) {
		if inBinary[v[i]]&of == 0 {
			return false
		}
	}
	return true
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
