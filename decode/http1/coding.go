package http1

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
)

// decode undoes the content codings of a body, last applied first.
func (a *Assembler) decode(body, codings string) (string, error) {
	list := strings.Split(codings, ",")
	if len(list) > 4 {
		return "", errors.New("too many codings")
	}
	var err error
	for i := len(list) - 1; i >= 0; i-- {
		if body, err = a.undo(body, strings.Trim(list[i], " \t")); err != nil {
			return "", err
		}
	}
	return body, nil
}

func (a *Assembler) undo(body, coding string) (string, error) {
	switch coding {
	case "gzip", "x-gzip":
		return a.gunzip(body)
	case "deflate":
		// RFC 9110 section 8.4.1.2 says zlib; some send bare deflate.
		if z, err := zlib.NewReader(strings.NewReader(body)); err == nil {
			if out, err := a.readAll(z, len(body)); err == nil {
				return out, nil
			}
		}
		return a.readAll(flate.NewReader(strings.NewReader(body)), len(body))
	case "", "identity":
		return body, nil
	}
	return "", fmt.Errorf("coding %.20q is not known", coding)
}

// gunzip undoes gzip, of one member or several; what follows the last one is
// left alone.
func (a *Assembler) gunzip(body string) (string, error) {
	in := strings.NewReader(body)
	if a.gzip == nil {
		a.gzip = new(gzip.Reader)
	}
	var out string
	for first := true; ; first = false {
		if err := a.gzip.Reset(in); err != nil {
			if first {
				return "", err
			}
			return out, nil
		}
		a.gzip.Multistream(false)
		part, err := a.readAll(a.gzip, in.Len())
		if err != nil {
			return "", err
		}
		if len(out)+len(part) > a.Limits.body() {
			return "", a.tooLarge()
		}
		out += part
	}
}

// readAll reads what is not larger than the limit. It reads in parts and joins
// them at the end, so that a bomb costs the limit and not a multiple of it.
func (a *Assembler) readAll(r io.Reader, size int) (string, error) {
	limit := a.Limits.body()
	in := io.LimitReader(r, int64(limit)+1)
	var parts []string
	total, next := 0, max(512, min(4*size, reserveMax, limit+1))
	for {
		var b strings.Builder
		b.Grow(next)
		n, err := io.CopyN(&b, in, int64(next))
		if total += int(n); total > limit {
			return "", a.tooLarge()
		}
		parts = append(parts, b.String())
		if err == io.EOF {
			break
		} else if err != nil {
			return "", err
		}
		next = min(2*next, 4*reserveMax)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return strings.Join(parts, ""), nil
}

func (a *Assembler) tooLarge() error {
	return fmt.Errorf("more than %d bytes when decompressed", a.Limits.body())
}
