package recording

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Receipt is what one line of text says of a sealed recording, for who keeps it
// elsewhere: that a recording is the one of which the receipt was made
// (FORMAT.md, section 8).
type Receipt struct {
	ID       [16]byte
	Groups   uint64
	Sessions uint64
	First    time.Time
	Last     time.Time
	Root     [32]byte
	Key      string // the id of the key that signed it, "" for none
}

const receiptWord = "cwmp-receipt"

// ErrReceipt is wrapped by errors that say that a line is no receipt.
var ErrReceipt = errors.New("no receipt of a recording")

// Receipt is the statement's receipt, without a line end.
func (s Statement) Receipt() string {
	return Receipt{s.ID, s.Groups, s.Sessions, s.First, s.Last, s.Root, s.Key}.String()
}

// String is the receipt's line.
func (r Receipt) String() string {
	s := fmt.Sprintf("%s 1 %x %d %d %s %s %s", receiptWord, r.ID, r.Groups, r.Sessions, stamp(r.First), stamp(r.Last),
		base64.StdEncoding.EncodeToString(r.Root[:]))
	if r.Key != "" {
		s += " " + r.Key
	}
	return s
}

// stamp writes a time as in a receipt.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// ParseReceipt reads a receipt. Blanks around it don't matter. Errors wrap
// ErrReceipt or ErrVersion.
func ParseReceipt(line string) (r Receipt, err error) {
	w := strings.Fields(line)
	if len(w) < 2 || w[0] != receiptWord {
		return r, ErrReceipt
	}
	if w[1] != "1" {
		return r, fmt.Errorf("%w: the receipt is of version %q", ErrVersion, clip([]byte(w[1])))
	}
	if len(w) < 8 || len(w) > 9 {
		return r, fmt.Errorf("%w: %d words", ErrReceipt, len(w))
	}
	var errs [6]error
	r.ID, errs[0] = parseID(w[2])
	r.Groups, errs[1] = strconv.ParseUint(w[3], 10, 64)
	r.Sessions, errs[2] = strconv.ParseUint(w[4], 10, 64)
	r.First, errs[3] = parseStamp(w[5])
	r.Last, errs[4] = parseStamp(w[6])
	r.Root, errs[5] = parseRoot(w[7])
	for i, err := range errs {
		if err != nil {
			return r, fmt.Errorf("%w: %q", ErrReceipt, clip([]byte(w[2+i])))
		}
	}
	if len(w) == 9 {
		id, err := strconv.ParseUint(w[8], 16, 64)
		if err != nil {
			return r, fmt.Errorf("%w: %q", ErrReceipt, clip([]byte(w[8])))
		}
		r.Key = KeyID(id)
	}
	return r, nil
}

func parseStamp(s string) (time.Time, error) {
	if s == "-" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

// differences tells what a statement has that is not as the receipt says.
func (r Receipt) differences(s Statement) (list []string) {
	differ := func(what string, have, want any) {
		if have != want {
			list = append(list, fmt.Sprintf("%s: %v, the receipt says %v", what, have, want))
		}
	}
	name := func(key string) string {
		if key == "" {
			return "none"
		}
		return key
	}
	differ("recording", hex.EncodeToString(s.ID[:]), hex.EncodeToString(r.ID[:]))
	differ("groups", s.Groups, r.Groups)
	differ("sessions", s.Sessions, r.Sessions)
	differ("first record", s.First.UTC(), r.First)
	differ("last record", s.Last.UTC(), r.Last)
	differ("root", base64.StdEncoding.EncodeToString(s.Root[:]), base64.StdEncoding.EncodeToString(r.Root[:]))
	differ("key", name(s.Key), name(r.Key))
	return list
}
