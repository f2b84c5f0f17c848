package transcript

import (
	"strings"

	"informant/decode/check"
)

// style is how a piece of a line looks where colour is wanted.
type style uint8

const (
	normal style = iota
	bold
	dim
	red
	yellow
	cyan
	green
)

var codes = [...]string{"", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[32m"}

// piece is a part of a line in one style. Its text is fit for a terminal.
type piece struct {
	style style
	text  string
}

// line is one line without its line end.
type line []piece

func (l line) columns() int {
	n := 0
	for _, p := range l {
		n += columns(p.text)
	}
	return n
}

// add appends a piece.
func (l line) add(s style, text string) line {
	if text == "" {
		return l
	}
	return append(l, piece{s, text})
}

// page collects lines.
type page struct {
	b     []byte
	color bool
	width int
}

const blanks = "                                                                                                    "

func (p *page) indent(n int) {
	for n > len(blanks) {
		p.b = append(p.b, blanks...)
		n -= len(blanks)
	}
	p.b = append(p.b, blanks[:max(n, 0)]...)
}

func (p *page) piece(s style, text string) {
	if p.color && s != normal {
		p.b = append(p.b, codes[s]...)
		p.b = append(p.b, text...)
		p.b = append(p.b, "\x1b[0m"...)
		return
	}
	p.b = append(p.b, text...)
}

func (p *page) pieces(l line) {
	for _, x := range l {
		p.piece(x.style, x.text)
	}
}

func (p *page) line(indent int, l line) {
	p.indent(indent)
	p.pieces(l)
	p.b = append(p.b, '\n')
}

// wrapped writes parts separated by sep, as many on a line as the width holds;
// lines after the first begin at hang. Blanks before a part are dropped where it
// begins a line.
func (p *page) wrapped(first line, hang int, sep string, parts []piece) {
	at := first.columns()
	p.pieces(first)
	empty := true
	for _, x := range parts {
		if empty {
			x.text = strings.TrimLeft(x.text, " ")
		}
		w := columns(x.text)
		if !empty && at+len(sep)+w > p.width {
			p.b = append(p.b, '\n')
			p.indent(hang)
			x.text = strings.TrimLeft(x.text, " ")
			at, empty, w = hang, true, columns(x.text)
		}
		if !empty {
			p.b = append(p.b, sep...)
			at += len(sep)
		}
		p.piece(x.style, x.text)
		at += w
		empty = false
	}
	p.b = append(p.b, '\n')
}

// words cuts a sentence where it may be wrapped.
func words(s style, text string) []piece {
	fields := strings.Fields(text)
	ps := make([]piece, len(fields))
	for i, f := range fields {
		ps[i] = piece{s, f}
	}
	return ps
}

// cut shortens s to at most n columns and says how long it was.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	note := "… (" + group(int64(len(s))) + " bytes)"
	room, end := max(n-columns(note), 8), 0
	for i := range s {
		if room--; room < 0 {
			break
		}
		end = i
	}
	return s[:end] + note
}

// severityStyle is the colour of a finding.
func severityStyle(s check.Severity) style {
	switch s {
	case check.Error:
		return red
	case check.Warning:
		return yellow
	}
	return cyan
}
