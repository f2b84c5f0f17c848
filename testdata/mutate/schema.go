package mutate

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"informant/capture"
	"informant/capture/scenario"
)

// Kind is a session with one thing broken.
type Kind struct {
	Name string   // what is broken: "acs Download without URL"
	Text string   // the scenario
	Want string   // what has to be found: "SOAP-017 acs 4", the id, the party and the message
	And  []string // what may be found besides, as a consequence: ids
}

// The types of arguments in the schemas (cwmp-1-0.xsd to cwmp-1-4.xsd): a string with its
// longest length, u an unsigned number, i a number, b a boolean, t a time.
var types = map[string]string{
	"Manufacturer": "64", "OUI": "6", "ProductClass": "64", "SerialNumber": "64", "EventCode": "64", "CommandKey": "32", "MaxEnvelopes": "u", "CurrentTime": "t", "RetryCount": "u",
	"Name": "256", "ParameterKey": "32", "ParameterPath": "256", "NextLevel": "b", "Writable": "b", "NotificationChange": "b", "Notification": "i", "AccessListChange": "b",
	"ObjectName": "256", "InstanceNumber": "u", "Status": "i", "FileType": "64", "URL": "256", "Username": "256", "Password": "256", "FileSize": "u", "TargetFileName": "256",
	"DelaySeconds": "u", "SuccessURL": "256", "FailureURL": "256", "StartTime": "t", "CompleteTime": "t", "WindowStart": "u", "WindowEnd": "u", "WindowMode": "64", "UserMessage": "256",
	"MaxRetries": "i", "FaultCode": "u", "FaultString": "256", "AnnounceURL": "1024", "TransferURL": "1024", "IsDownload": "b", "State": "i",
}

// element is an element of an envelope's method, by its bytes in the body.
type element struct {
	path        string // "DeviceId/OUI"
	name        string
	start, end  int // of the whole
	value       string
	leaf        bool
	first, last int // of its content
	list        bool
}

// bodyOf is the XML of a message of a scenario, counted from 1.
func bodyOf(text string, n int) (string, error) {
	all, err := scenario.Parse("mutate", text)
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if r.Kind != capture.Data {
			continue
		}
		if n--; n == 0 {
			_, body, _ := strings.Cut(string(r.Data), "\r\n\r\n")
			return body, nil
		}
	}
	return "", errors.New("there is no such message")
}

// elements are those below the method of an envelope.
func elements(body string) (list []element, err error) {
	d := xml.NewDecoder(strings.NewReader(body))
	var open []int
	depth := 0
	for {
		before := int(d.InputOffset())
		t, err := d.RawToken()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			if depth <= 3 || !below(body, before) { // Envelope, Header or Body, the method
				open = append(open, -1)
				continue
			}
			path := t.Name.Local
			if up := open[len(open)-1]; up >= 0 {
				path = list[up].path + "/" + path
				list[up].leaf = false
			}
			e := element{path: path, name: t.Name.Local, start: before, first: int(d.InputOffset()), leaf: true}
			for _, a := range t.Attr {
				e.list = e.list || a.Name.Local == "arrayType"
			}
			open = append(open, len(list))
			list = append(list, e)
		case xml.EndElement:
			depth--
			if i := open[len(open)-1]; i >= 0 {
				e := &list[i]
				e.end, e.last = int(d.InputOffset()), before
				e.value = body[e.first:max(e.first, before)]
			}
			open = open[:len(open)-1]
		}
	}
}

// below says whether a place of an envelope is in its Body.
func below(body string, at int) bool {
	i := strings.Index(body, ":Body>")
	return i >= 0 && at > i
}

// change is the line of a scenario that makes of body[start:end] something else. What is
// replaced has to be the first of its like, so more is taken along until it is.
func change(body string, start, end int, to string) string {
	from := start
	for from > 0 && strings.Index(body, body[from:end]) != from {
		from--
	}
	return "\n  replace " + strconv.Quote(body[from:end]) + " " + strconv.Quote(body[from:start]+to)
}

// ofSchema are the kinds that break the schema of a message, wherever it can be broken.
func ofSchema() (kinds []Kind, err error) {
	type where struct {
		c    *call
		what string // "Inform", the method, or its response
		side string // "cpe" or "acs"
		n    int
	}
	var all []where
	for i := range calls {
		c := &calls[i]
		other := map[string]string{"cpe": "acs", "acs": "cpe"}[c.by]
		all = append(all, where{c, c.name, c.by, c.number()}, where{c, c.name + "Response", other, c.number() + 1})
	}
	all = append(all, where{&calls[0], "Inform", "cpe", 1})
	for _, w := range all {
		body, err := bodyOf(w.c.session(w.c.inform(), w.c.request, w.c.response), w.n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.what, err)
		}
		list, err := elements(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.what, err)
		}
		add := func(name, line, id string, and ...string) {
			inform, request, response := w.c.inform(), w.c.request, w.c.response
			switch w.n - w.c.number() {
			case 0:
				request += line
			case 1:
				response += line
			default:
				inform += line
			}
			party := w.side
			kinds = append(kinds, Kind{Name: w.side + " " + w.what + " " + name, Text: w.c.session(inform, request, response), Want: fmt.Sprintf("%s %s %d", id, party, w.n), And: and})
		}
		broken := map[string]bool{}
		for i := range list {
			e := &list[i]
			if broken[e.path] { // the second item of a list
				continue
			}
			broken[e.path] = true
			if item := strings.HasSuffix(e.name, "Struct") || e.name == "string"; !item && e.name != "Value" {
				add("without "+e.path, change(body, e.start, e.end, ""), better("SOAP-017", w.what, e.path), following(w.what, e.path)...)
			}
			if e.list {
				tag := body[e.start:e.first]
				k := strings.Index(tag, "arrayType=\"")
				end := k + len("arrayType=\"") + strings.IndexByte(tag[k+len("arrayType=\""):], '"')
				at := strings.LastIndexByte(tag[:end], '[')
				add("with a wrong count in "+e.path, change(body, e.start+at, e.start+end, "[77]"), "SOAP-013")
				space := strings.LastIndexByte(tag[:k], ' ')
				add("without arrayType in "+e.path, change(body, e.start+space, e.start+end+1, ""), "SOAP-014")
			}
			if !e.leaf || e.list {
				continue
			}
			value := func(name, v, id string, and ...string) {
				add(name, change(body, e.first, e.last, v), id, and...)
			}
			switch typ := types[e.name]; typ {
			case "":
			case "u", "i":
				value("with words in "+e.path, "many", better("RPC-038", w.what, e.path), following(w.what, e.path)...)
			case "b":
				value("with words in "+e.path, "maybe", "TYPE-014", following(w.what, e.path)...)
			case "t":
				if w.what == "Inform" {
					value("with words in "+e.path, "now", "INF-010")
				}
			default:
				n, _ := strconv.Atoi(typ)
				value("with a long "+e.path, strings.Repeat("x", n+1), better("SOAP-020", w.what, e.path), following(w.what, e.path)...)
			}
		}
		closing := strings.LastIndex(body, "</cwmp:"+w.what)
		if closing > 0 {
			add("with an argument that there isn't", change(body, closing, closing, "<Surprise>1</Surprise>"), "SOAP-019")
		}
		if len(list) > 1 && list[0].leaf && list[1].leaf {
			a, b := list[0], list[1]
			add("with "+b.name+" before "+a.name, change(body, a.start, b.end, body[b.start:b.end]+body[a.start:a.end]), "SOAP-018")
		}
		space := strings.Index(body, "urn:dslforum-org:cwmp-1-2")
		add("in a namespace that there isn't", change(body, space, space+len("urn:dslforum-org:cwmp-1-2"), "urn:dslforum-org:cwmp-1-7"), "VER-002", "VER-001", "VER-007", "SOAP-034", "SOAP-035", "VER-006")
		must := strings.Index(body, ` soap-env:mustUnderstand="1"`)
		if must > 0 {
			add("whose ID need not be understood", change(body, must, must+len(` soap-env:mustUnderstand="1"`), ""), "SOAP-021")
		}
		add("in an Envelope of SOAP 1.2", change(body, strings.Index(body, soap11), strings.Index(body, soap11)+len(soap11), "http://www.w3.org/2003/05/soap-envelope"), "SOAP-002", "SOAP-005", "SOAP-021", "SOAP-027", "SOAP-032", "SOAP-035", "SOAP-003", "SOAP-029", "SOAP-034")
		add("with an element that isn't closed", change(body, strings.LastIndex(body, "</soap-env:Body>"), strings.LastIndex(body, "</soap-env:Body>")+len("</soap-env:Body>"), ""), "SOAP-001")
		add("with a character that XML forbids", change(body, strings.Index(body, "<soap-env:Body>")+len("<soap-env:Body>"), strings.Index(body, "<soap-env:Body>")+len("<soap-env:Body>"), "\x01"), "SOAP-009", "SOAP-001")
		add("without XML declaration", change(body, 0, strings.Index(body, "?>")+2, ""), "SOAP-036")
		add("with more behind the Envelope", change(body, len(body), len(body), "<more/>"), "SOAP-040", "SOAP-001")
	}
	return kinds, nil
}

const soap11 = "http://schemas.xmlsoap.org/soap/envelope/"
