package scenario

import (
	"fmt"
	"strings"
)

// envelope is the envelope of a METHOD or Fault line.
func (p *player) envelope(s *statement, d *device, method, block string) (string, error) {
	content, err := p.content(s, d, method, block)
	if err != nil {
		return "", err
	}
	header, err := p.header(s, p.identify(s, d, method))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, `<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"`+
		` xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="%s">`+"\n", p.namespace)
	if header != "" {
		b.WriteString("<soap-env:Header>\n" + header + "</soap-env:Header>\n")
	}
	b.WriteString("<soap-env:Body>\n" + content + "</soap-env:Body>\n</soap-env:Envelope>\n")
	return b.String(), nil
}

// content is the method element.
func (p *player) content(s *statement, d *device, method, block string) (string, error) {
	if method == "Fault" {
		return fault(s)
	}
	args, err := p.arguments(s, d, method)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("<cwmp:" + method + ">\n")
	if block != "" {
		b.WriteString(block + "\n")
	} else {
		for _, n := range args {
			n.write(&b, "  ")
		}
	}
	b.WriteString("</cwmp:" + method + ">\n")
	return b.String(), nil
}

// faultNames are the texts of the codes that scenarios use most (A.5).
var faultNames = map[string]string{
	"8000": "Method not supported", "8001": "Request denied", "8002": "Internal error", "8003": "Invalid arguments", "8004": "Resources exceeded", "8005": "Retry request",
	"9000": "Method not supported", "9001": "Request denied", "9002": "Internal error", "9003": "Invalid arguments", "9004": "Resources exceeded", "9005": "Invalid parameter name",
	"9006": "Invalid parameter type", "9007": "Invalid parameter value", "9008": "Attempt to set a non-writable parameter", "9009": "Notification request rejected", "9010": "File transfer failure",
}

// fault is a SOAP Fault.
func fault(s *statement) (string, error) {
	code := s.arg(1)
	if code == "" {
		return "", s.errorf("Fault needs a code")
	}
	text := faultNames[code]
	if len(s.words) > 2 {
		text = s.arg(2)
	}
	side := "Server"
	switch code {
	case "9003", "9005", "9006", "9007", "9008", "8003":
		side = "Client"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<soap-env:Fault>\n  <faultcode>%s</faultcode>\n  <faultstring>CWMP fault</faultstring>\n  <detail>\n    <cwmp:Fault>\n", side)
	fmt.Fprintf(&b, "      <FaultCode>%s</FaultCode>\n      <FaultString>%s</FaultString>\n", code, escape(text))
	for i := range s.changes {
		c := &s.changes[i]
		if c.verb != "sub" {
			continue
		}
		if len(c.words) < 2 {
			return "", c.errorf("sub needs NAME CODE [TEXT]")
		}
		text := faultNames[c.arg(1)]
		if len(c.words) > 2 {
			text = c.arg(2)
		}
		fmt.Fprintf(&b, "      <SetParameterValuesFault>\n        <ParameterName>%s</ParameterName>\n        <FaultCode>%s</FaultCode>\n        <FaultString>%s</FaultString>\n      </SetParameterValuesFault>\n",
			escape(c.arg(0)), escape(c.arg(1)), escape(text))
	}
	b.WriteString("    </cwmp:Fault>\n  </detail>\n</soap-env:Fault>\n")
	return b.String(), nil
}

// identify gives a request a new ID, and an answer that of its request.
func (p *player) identify(s *statement, d *device, method string) identity {
	given, has := identity{}, false
	for i := range s.changes {
		switch c := &s.changes[i]; c.verb {
		case "id":
			given, has = identity{c.arg(0), true}, true
		case "no-id":
			given, has = identity{}, true
		}
	}
	request, answer := strings.CutSuffix(method, "Response")
	if method == "Fault" || answer {
		id, ok := d.asked[request]
		if !ok {
			id = d.latest
		}
		if has {
			return given
		}
		return id
	}
	id := given
	if !has {
		id = p.nextID(s, d)
	}
	d.asked[method], d.latest = id, id
	return id
}

func (p *player) nextID(s *statement, d *device) identity {
	if s.verb == "cpe" {
		d.idCPE++
		return identity{fmt.Sprint(d.idCPE), true}
	}
	d.idACS++
	return identity{fmt.Sprintf("a%d", d.idACS), true}
}

// header is the inside of the SOAP Header, "" for none.
func (p *player) header(s *statement, id identity) (string, error) {
	var b strings.Builder
	if id.has {
		fmt.Fprintf(&b, "  <cwmp:ID soap-env:mustUnderstand=\"1\">%s</cwmp:ID>\n", escape(id.text))
	}
	for i := range s.changes {
		c := &s.changes[i]
		if c.verb != "block" {
			continue
		}
		if len(c.words) < 2 {
			return "", c.errorf("block needs NAME VALUE [MU]")
		}
		must := c.arg(2)
		if must == "" {
			must = "none"
			if c.arg(0) == "HoldRequests" || c.arg(0) == "UseCWMPVersion" || c.arg(0) == "ID" {
				must = "1"
			}
		}
		attr := ""
		if must != "none" {
			attr = ` soap-env:mustUnderstand="` + must + `"`
		}
		fmt.Fprintf(&b, "  <cwmp:%s%s>%s</cwmp:%s>\n", c.arg(0), attr, escape(c.arg(1)), c.arg(0))
	}
	return b.String(), nil
}
