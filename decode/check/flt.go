package check

import (
	"slices"
	"strconv"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// faults is the checks of SOAP Faults and of fault codes.
var faults = []*Check{
	{
		ID: "FLT-001", Title: "faultcode is Client or Server", Ref: "TR-069a6 3.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: aFault, Run: soapCode,
		Doc: "Client says that the request was wrong, Server that the answering side failed. MustUnderstand and VersionMismatch are SOAP's own, and told as a note.",
	},
	{
		ID: "FLT-002", Title: "faultstring is \"CWMP fault\"", Ref: "TR-069a6 3.5", Severity: Warning, Field: true, Gates: WholeBody, each: true, body: true, need: aFault, Run: soapText,
		Doc: "By this text, exactly so, a receiver knows that a CWMP Fault is inside. The words for people belong into FaultString.",
	},
	{
		ID: "FLT-003", Title: "detail holds a CWMP Fault with its FaultCode", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: aFault, Run: faultDetail,
		Doc: "Without the code the receiver cannot tell what failed, nor whether to try again.",
	},
	{
		ID: "FLT-004", Title: "FaultCode is a number of the sender's range", Ref: "TR-069a6 A.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: aFault, Run: codeRange,
		Doc: "A CPE's codes are 9000 to 9899, an ACS's 8000 to 8899.",
	},
	{
		ID: "FLT-005", Title: "FaultCode is assigned", Ref: "TR-069a6 A.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: aFault, Run: codeAssigned,
		Doc: "Codes between the assigned ones and the vendor's are reserved for later standards.",
	},
	{
		ID: "FLT-006", Title: "FaultCode is one of the method's", Ref: "TR-069a6 A.3, A.4", Severity: Warning, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: codeOfMethod,
		Doc: "Each method has its list of codes. (The lists could not be confirmed; vendor codes are always allowed.)",
	},
	{
		ID: "FLT-007", Title: "faultcode agrees with the FaultCode", Ref: "TR-069a6 A.5", Severity: Info, Gates: WholeBody, each: true, body: true, need: aFault, Run: codeSide,
		Doc: "The standard says for each code whether the request was wrong (Client) or its receiver failed (Server). Only 9000 to 9013 and 8000 to 8005 are judged.",
	},
	{
		ID: "FLT-008", Title: "Errors of single parameters are told as 9003 with a SetParameterValuesFault each", Ref: "TR-069a6 A.3.2.1", Severity: Error, Field: true, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: setFault,
		Doc: "SetParameterValues is all or nothing; the ACS learns from the inner faults which parameters were wrong and why. 9005 to 9008 belong into those.",
	},
	{
		ID: "FLT-009", Title: "SetParameterValuesFault stands only in a Fault to SetParameterValues", Ref: "TR-069a6 3.5", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: subElsewhere,
		Doc: "No other method has faults of single parameters.",
	},
	{
		ID: "FLT-010", Title: "A SetParameterValuesFault names a parameter of the request", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: subName,
		Doc: "The ACS looks the name up in what it had sent. A variant with blanks around it is told as a warning.",
	},
	{
		ID: "FLT-011", Title: "The code of a SetParameterValuesFault is one of 9001 to 9008 or a vendor's", Ref: "TR-069a6 A.3.2.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: aFault, Run: subCode,
		Doc: "Normally it is one of 9005 to 9008: name, type, value, not writable.",
	},
	{
		ID: "FLT-012", Title: "The ACS sends Faults with a 200", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: PlainHTTP, each: true, need: aFault, Run: faultStatus,
		Doc: "SOAP over HTTP has 500 for Faults, CWMP has not: for a CPE a 4xx or 5xx is a failed session, and the Fault in it is not read.",
	},
	{
		ID: "FLT-013", Title: "A Fault has a CWMP Fault inside", Ref: "TR-069a6 3.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: aFault, Run: plainFault,
		Doc: "A bare SOAP Fault comes from the toolkit below CWMP, mostly because it could not parse or validate the request. Its text is the best hint there is.",
	},
	{
		ID: "FLT-016", Title: "The FaultCode of a TransferComplete is one of transfers", Ref: "cwmp-1-4.xsd TransferFaultStruct", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: aReport, Run: transferCode,
		Doc: "0 is success; 9001, 9002, 9010 to 9012, 9014 to 9020 and the vendors' codes say what failed.",
	},
	{
		ID: "FLT-017", Title: "FaultString is empty if and only if FaultCode is 0", Ref: "TR-069a6 A.3.3.2", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, only: aReport, Run: transferText,
		Doc: "A text with code 0, or a code without a text, makes it doubtful which of the two is right.",
	},
	{
		ID: "FLT-018", Title: "A Fault has a FaultString", Ref: "TR-069a6 A.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: aFault, Run: faultText,
		Doc: "The text is for the people who look for the cause.",
	},
	{
		ID: "FLT-019", Title: "No \"Method not supported\" for a method that must be", Ref: "TR-069a6 3.6 Table 5", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: mandatoryRefused,
		Doc: "GetRPCMethods, the parameter methods, AddObject, DeleteObject, Download and Reboot are mandatory for a CPE.",
	},
	{
		ID: "FLT-020", Title: "FaultString doesn't contradict the code", Ref: "TR-069a6 A.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: aFault, Run: otherText,
		Doc: "The text is the standard one of another code. ACSs go by the number.",
	},
	{
		ID: "FLT-021", Title: "The elements of a Fault have their names and namespace", Ref: "cwmp-1-0.xsd Fault", Severity: Error, Gates: WholeBody, each: true, body: true, need: aFault, Run: faultNames,
		Doc: "FaultCode and FaultString are spelt so; a receiver finds no faultCode. The Fault in detail is in the CWMP namespace.",
	},
	{
		ID: "FLT-023", Title: "Fault is an element in Body, not an element Body:Fault", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, body: true, need: quirky, odd: ill, Run: bodyFault,
		Doc: "A name with two colons is not well-formed with namespaces; a known ACS writes it so. It is told instead of SOAP-001.",
	},
}

// fault is the pass's Fault, nil when it is none.
func (p *Pass) fault() *cwmp.FaultDetail {
	if p.Message.Kind != cwmp.Fault {
		return nil
	}
	return p.Message.Fault
}

// localPart is what stands after the last colon.
func localPart(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, ':')+1:]
}

// soapLayer says whether a Fault is SOAP's own.
func soapLayer(f *cwmp.FaultDetail) bool {
	c := localPart(f.SOAPCode.Value)
	return c == "MustUnderstand" || c == "VersionMismatch"
}

func soapCode(p *Pass) {
	f := p.fault()
	if f == nil {
		return
	}
	switch c := localPart(f.SOAPCode.Value); {
	case c == "Client" || c == "Server":
	case !f.SOAPCode.Present:
		p.report(p.sender(), atMethod(p.Message), "The Fault has no faultcode")
	case soapLayer(f):
		p.reportAs(Info, p.sender(), atLeaf(p.Message, &f.SOAPCode), "faultcode is %s: a Fault of SOAP, not of CWMP", short(c))
	default:
		p.report(p.sender(), atLeaf(p.Message, &f.SOAPCode), "faultcode is %s, not Client or Server", quote(f.SOAPCode.Value))
	}
}

func soapText(p *Pass) {
	f := p.fault()
	if f == nil || soapLayer(f) || !f.HasCWMP {
		return
	}
	if !f.SOAPString.Present {
		p.report(p.sender(), atMethod(p.Message), "The Fault has no faultstring")
	} else if f.SOAPString.Value != "CWMP fault" && strings.TrimSpace(f.SOAPString.Value) != "CWMP fault" {
		p.report(p.sender(), atLeaf(p.Message, &f.SOAPString), "faultstring is %s, not \"CWMP fault\"", quote(f.SOAPString.Value))
	}
}

func faultDetail(p *Pass) {
	f := p.fault()
	if f == nil || soapLayer(f) {
		return
	}
	switch {
	case !f.HasCWMP && f.HasDetail && !f.Code.Present:
		p.report(p.sender(), atMethod(p.Message), "detail holds no CWMP Fault")
	case f.HasCWMP && !f.Code.Present:
		p.report(p.sender(), atMethod(p.Message), "The CWMP Fault has no FaultCode")
	case f.HasCWMP && f.Misplaced && cwmp.Version(p.Message.Method.Space) < 0:
		p.report(p.sender(), atMethod(p.Message), "The CWMP Fault stands elsewhere than in the detail of the SOAP Fault")
	}
}

// code is the number of the pass's Fault, ok when there is one.
func (p *Pass) code() (n int, at place, ok bool) {
	f := p.fault()
	if f == nil || !f.Code.Present {
		return 0, place{}, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(f.Code.Value))
	return n, atLeaf(p.Message, &f.Code), err == nil
}

func codeRange(p *Pass) {
	f := p.fault()
	if f == nil || !f.Code.Present {
		return
	}
	n, at, ok := p.code()
	if !ok {
		p.report(p.sender(), atLeaf(p.Message, &f.Code), "FaultCode is %s, not a number", quote(f.Code.Value))
	} else if side := cwmp.FaultSide(n); side != p.Message.From {
		p.report(p.sender(), at, "FaultCode %d is not one of the %s's", n, upper(p.Message.From))
	}
}

func codeAssigned(p *Pass) {
	n, at, ok := p.code()
	if !ok || cwmp.FaultSide(n) != p.Message.From {
		return
	}
	if _, _, known := cwmp.FaultName(n); !known {
		p.report(p.sender(), at, "FaultCode %d is reserved", n)
	}
}

// codesOf is the fault codes of the methods (reference 2.2 and 2.3).
var codesOf = map[string][]int{
	"GetRPCMethods":          {9001, 9002, 8001, 8002},
	"SetParameterValues":     {9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008},
	"GetParameterValues":     {9001, 9002, 9003, 9004, 9005},
	"GetParameterNames":      {9001, 9002, 9003, 9005},
	"SetParameterAttributes": {9001, 9002, 9003, 9004, 9005, 9009},
	"GetParameterAttributes": {9001, 9002, 9003, 9004, 9005},
	"AddObject":              {9001, 9002, 9003, 9004, 9005},
	"DeleteObject":           {9001, 9002, 9003, 9005},
	"Download":               {9000, 9001, 9002, 9003, 9004, 9010, 9012, 9013},
	"Reboot":                 {9001, 9002, 9003},
	"GetQueuedTransfers":     {9000, 9001, 9002},
	"ScheduleInform":         {9000, 9001, 9002, 9003},
	"SetVouchers":            {9000, 9001, 9002, 9003, 9004},
	"GetOptions":             {9000, 9001, 9002, 9003},
	"Upload":                 {9000, 9001, 9002, 9003, 9004, 9011, 9012, 9013},
	"FactoryReset":           {9000, 9001, 9002, 9003},
	"GetAllQueuedTransfers":  {9000, 9001, 9002},
	"ScheduleDownload":       {9000, 9001, 9002, 9003, 9004, 9013},
	"CancelTransfer":         {9000, 9001, 9002, 9021},
	"ChangeDUState":          {9000, 9001, 9002, 9004},
	"Inform":                 {8001, 8002, 8003, 8004, 8005, 8006},
	"TransferComplete":       {8000, 8001, 8002, 8003, 8004, 8005},
	"Kicked":                 {8000, 8001, 8002, 8003, 8005},
	"RequestDownload":        {8000, 8001, 8002, 8003, 8005},
}

// vendorCode says whether a code is of a vendor's range.
func vendorCode(n int) bool { return n >= 9800 && n <= 9899 || n >= 8800 && n <= 8899 }

func codeOfMethod(p *Pass) {
	n, at, ok := p.code()
	t := p.transaction()
	if !ok || t == nil || vendorCode(n) || cwmp.FaultSide(n) != p.Message.From {
		return
	}
	if n == 9000 && slices.Contains(mandatory, t.Request.RPC) {
		return // FLT-019
	}
	callable := acsMethods
	if t.Caller == cwmp.ACS {
		callable = cpeMethods
	}
	if !slices.Contains(callable, t.Request.RPC) {
		return // RPC-001
	}
	if list := codesOf[t.Request.RPC]; list != nil && !slices.Contains(list, n) {
		if _, _, known := cwmp.FaultName(n); known {
			p.reportWith(Warning, p.sender(), at, []*cwmp.Message{t.Request}, "FaultCode %d is not one that %s has", n, t.Request.RPC)
		}
	}
}

func codeSide(p *Pass) {
	n, _, ok := p.code()
	f := p.fault()
	if !ok || !(n >= 9000 && n <= 9013 || n >= 8000 && n <= 8005) {
		return
	}
	_, side, _ := cwmp.FaultName(n)
	if got := localPart(f.SOAPCode.Value); (got == "Client" || got == "Server") && side != "" && got != side {
		p.report(p.sender(), atLeaf(p.Message, &f.SOAPCode), "faultcode is %s, but %d is a fault of the %s side", got, n, side)
	}
}

// requestNames is the parameter names of a SetParameterValues.
func requestNames(m *cwmp.Message) (names map[string]bool, twice bool) {
	names = map[string]bool{}
	for _, x := range parameters(m) {
		twice = twice || names[x.Name.Value]
		names[x.Name.Value] = true
	}
	return names, twice
}

func setFault(p *Pass) {
	n, at, ok := p.code()
	t := p.transaction()
	if !ok || t == nil || t.Request.RPC != "SetParameterValues" || t.Request.Args == nil {
		return
	}
	switch {
	case n >= 9005 && n <= 9008:
		p.reportWith(Error, p.sender(), at, []*cwmp.Message{t.Request}, "The Fault to SetParameterValues has the code %d itself, and not 9003 with a SetParameterValuesFault", n)
	case n == 9003 && len(p.Message.Fault.Parameters) == 0:
		if _, twice := requestNames(t.Request); !twice {
			p.reportWith(Warning, p.sender(), at, []*cwmp.Message{t.Request}, "The Fault to SetParameterValues doesn't say which parameter was wrong")
		}
	}
}

func subElsewhere(p *Pass) {
	f, t := p.fault(), p.transaction()
	if f == nil || t == nil || len(f.Parameters) == 0 || t.Request.RPC == "SetParameterValues" || t.Request.Kind != cwmp.Request {
		return
	}
	p.reportWith(Error, p.sender(), inText(p.Message, f.Parameters[0].At()), []*cwmp.Message{t.Request}, "A SetParameterValuesFault stands in the Fault to %s", short(t.Request.RPC))
}

func subName(p *Pass) {
	f, t := p.fault(), p.transaction()
	if f == nil || t == nil || t.Request.RPC != "SetParameterValues" || t.Request.Args == nil {
		return
	}
	names, _ := requestNames(t.Request)
	for i := range f.Parameters {
		l := &f.Parameters[i].ParameterName
		if !l.Present || names[l.Value] {
			continue
		}
		near := false
		for n := range names {
			near = near || strings.TrimSpace(n) == strings.TrimSpace(l.Value)
		}
		severity := Error
		if near {
			severity = Warning
		}
		p.reportWith(severity, p.sender(), atLeaf(p.Message, l), []*cwmp.Message{t.Request}, "The SetParameterValuesFault names %s, which was not in the request", quote(l.Value))
	}
}

func subCode(p *Pass) {
	f := p.fault()
	if f == nil {
		return
	}
	for i := range f.Parameters {
		l := &f.Parameters[i].FaultCode
		n, ok := l.Int()
		if l.Present && (!ok || (n < 9001 || n > 9008) && !vendorCode(int(n))) {
			p.report(p.sender(), atLeaf(p.Message, l), "A SetParameterValuesFault has the code %s", quote(l.Value))
		}
	}
}

func faultStatus(p *Pass) {
	if m := p.Message; p.fault() != nil && m.Status >= 400 {
		p.report(ACS, place{m: m, path: "start line"}, "The Fault travels in a status %d, not 200", m.Status)
	}
}

func plainFault(p *Pass) {
	f := p.fault()
	if f == nil || soapLayer(f) || f.HasCWMP || f.Code.Present || f.HasDetail {
		return
	}
	p.report(p.sender(), atMethod(p.Message), "A SOAP Fault without a CWMP Fault: %s", quote(f.SOAPString.Value))
}

// transferFault is the FaultStruct of a report on a transfer.
func (p *Pass) transferFault() *cwmp.FaultStruct {
	if !isRequest(p.Message) {
		return nil
	}
	switch a := p.Message.Args.(type) {
	case *cwmp.TransferComplete:
		return &a.FaultStruct
	case *cwmp.AutonomousTransferComplete:
		return &a.FaultStruct
	}
	return nil
}

func transferCode(p *Pass) {
	f := p.transferFault()
	if f == nil || !f.FaultCode.Present {
		return
	}
	n, ok := f.FaultCode.Uint()
	legal := n == 0 || n == 9001 || n == 9002 || n >= 9010 && n <= 9012 || n >= 9014 && n <= 9020 || n >= 9033 && n <= 9899
	if !ok || !legal {
		p.report(CPE, atLeaf(p.Message, &f.FaultCode), "%s has the FaultCode %s, which is none of transfers", p.Message.RPC, quote(f.FaultCode.Value))
	}
}

func transferText(p *Pass) {
	f := p.transferFault()
	if f == nil || !f.FaultCode.Present || !f.FaultString.Present {
		return
	}
	n, ok := f.FaultCode.Uint()
	text := strings.TrimSpace(f.FaultString.Value)
	switch {
	case !ok:
	case n == 0 && text != "":
		p.report(CPE, atLeaf(p.Message, &f.FaultString), "%s has the FaultCode 0, and a FaultString all the same", p.Message.RPC)
	case n != 0 && text == "":
		p.report(CPE, atLeaf(p.Message, &f.FaultString), "%s has the FaultCode %d and an empty FaultString", p.Message.RPC, n)
	}
}

func faultText(p *Pass) {
	f := p.fault()
	if f == nil || !f.HasCWMP || !f.Code.Present {
		return
	}
	if strings.TrimSpace(f.String.Value) == "" {
		p.report(p.sender(), atLeaf(p.Message, &f.Code), "Fault %s has no FaultString", quote(f.Code.Value))
	}
}

// mandatory is the methods that every CPE has.
var mandatory = []string{"GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames", "SetParameterAttributes", "GetParameterAttributes",
	"AddObject", "DeleteObject", "Download", "Reboot"}

func mandatoryRefused(p *Pass) {
	n, at, ok := p.code()
	t := p.transaction()
	if ok && t != nil && n == 9000 && t.Caller == cwmp.ACS && slices.Contains(mandatory, t.Request.RPC) {
		p.reportWith(Error, CPE, at, []*cwmp.Message{t.Request}, "The CPE answers %s with 9000, but every CPE must have this method", t.Request.RPC)
	}
}

func otherText(p *Pass) {
	n, _, ok := p.code()
	f := p.fault()
	if !ok || !f.String.Present {
		return
	}
	text := strings.ToLower(strings.TrimSpace(f.String.Value))
	own, _, _ := cwmp.FaultName(n)
	if text == "" || strings.HasPrefix(strings.ToLower(own), text) {
		return
	}
	for _, other := range cwmp.FaultCodes() {
		name, _, _ := cwmp.FaultName(other)
		if other != n && other/1000 == n/1000 && strings.EqualFold(name, text) {
			p.report(p.sender(), atLeaf(p.Message, &f.String), "FaultCode is %d, but FaultString %s is that of %d", n, quote(f.String.Value), other)
			return
		}
	}
}

func faultNames(p *Pass) {
	f := p.fault()
	if f == nil {
		return
	}
	for i := range f.Notes {
		if n := &f.Notes[i]; n.Kind == cwmp.CaseVariant {
			p.report(p.sender(), inText(p.Message, n.At), "An element of the Fault is not spelt as the schema has it: %s", short(n.Text))
			return
		}
	}
	if f.HasCWMP && !cwmpLike(f.CWMP.Space) {
		p.reportAs(Warning, p.sender(), atMethod(p.Message), "The Fault in detail is in namespace %s, not in CWMP's", quote(f.CWMP.Space))
	}
}

func bodyFault(p *Pass) {
	p.quirks(func(q *soap.Quirk) {
		if strings.Contains(q.Text, "Body:Fault") {
			p.report(p.sender(), inText(p.Message, q.At), "The Fault is written as one element with two colons in its name")
		}
	}, soap.TwoColons)
}
