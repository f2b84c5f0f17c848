package capture

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Append appends the facts as lines "name: value", which ParseTLS reads. What is
// not known has no line. Values in free text are quoted as in Go.
func (t *TLS) Append(b []byte) []byte {
	line := func(name, value string) {
		if value != "" {
			b = append(append(append(append(b, name...), ": "...), value...), '\n')
		}
	}
	quoted := func(name, value string) {
		if value != "" {
			line(name, strconv.Quote(value))
		}
	}
	line("leg", t.Leg.String())
	quoted("failed", t.Failed)
	line("by", t.By.String())
	quoted("alert", t.Alert)
	line("version", hexes([]uint16{t.Version}))
	line("suite", hexes([]uint16{t.Suite}))
	quoted("alpn", t.ALPN)
	if t.Resumed {
		line("resumed", "yes")
	}
	quoted("name", t.Name)
	line("offered", hexes(t.Offered))
	line("suites", hexes(t.Suites))
	quoted("verified", t.Verified)
	for _, c := range t.Chain {
		line("certificate", base64.StdEncoding.EncodeToString(c))
	}
	for _, c := range t.ClientChain {
		line("client-certificate", base64.StdEncoding.EncodeToString(c))
	}
	return b
}

// hexes are the numbers of TLS in hexadecimal, without the zeros behind them.
func hexes(list []uint16) string {
	if len(list) == 1 && list[0] == 0 {
		return ""
	}
	var b strings.Builder
	for i, n := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%04x", n)
	}
	return b.String()
}

var errTLS = errors.New("facts of a TLS handshake that are none")

// ParseTLS reads what Append wrote. Lines with names that it does not know are
// stepped over.
func ParseTLS(text string) (*TLS, error) {
	t := &TLS{}
	for text != "" {
		line, rest, ended := strings.Cut(text, "\n")
		text = rest
		name, value, ok := strings.Cut(line, ": ")
		if !ok || !ended {
			return nil, errTLS
		}
		if err := t.set(name, value); err != nil {
			return nil, fmt.Errorf("%w: %s", errTLS, name)
		}
	}
	return t, nil
}

func (t *TLS) set(name, value string) (err error) {
	switch name {
	case "leg":
		t.Leg, err = oneOf(value, Direct, ClientLeg, UpstreamLeg)
	case "by":
		t.By, err = oneOf(value, Client, Server, Proxy)
	case "failed":
		t.Failed, err = strconv.Unquote(value)
	case "alert":
		t.Alert, err = strconv.Unquote(value)
	case "alpn":
		t.ALPN, err = strconv.Unquote(value)
	case "name":
		t.Name, err = strconv.Unquote(value)
	case "verified":
		t.Verified, err = strconv.Unquote(value)
	case "version":
		t.Version, err = number(value)
	case "suite":
		t.Suite, err = number(value)
	case "offered":
		t.Offered, err = numbers(value)
	case "suites":
		t.Suites, err = numbers(value)
	case "resumed":
		t.Resumed = value == "yes"
	case "certificate":
		var der []byte
		der, err = base64.StdEncoding.DecodeString(value)
		t.Chain = append(t.Chain, der)
	case "client-certificate":
		var der []byte
		der, err = base64.StdEncoding.DecodeString(value)
		t.ClientChain = append(t.ClientChain, der)
	}
	return err
}

func oneOf[T fmt.Stringer](value string, all ...T) (v T, err error) {
	for _, x := range all {
		if x.String() == value {
			return x, nil
		}
	}
	return v, errTLS
}

func number(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 16, 16)
	return uint16(n), err
}

func numbers(s string) (list []uint16, err error) {
	for _, w := range strings.Fields(s) {
		n, err := number(w)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}
