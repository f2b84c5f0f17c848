package recording

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

// Statement is what a sealed recording says of itself at its end: what is in it,
// and the root of the Merkle tree over all of it (FORMAT.md, section 8).
type Statement struct {
	ID       [16]byte // the recording's
	Groups   uint64
	Records  uint64
	Sessions uint64
	Bytes    int64     // of traffic
	First    time.Time // of the earliest record that has a time, zero where none has
	Last     time.Time // of the latest
	Root     [32]byte  // of the Merkle tree
	Leaves   int64     // of the tree

	// Text is what is signed, and Signature a minisign signature file for it:
	// `minisign -Vm TEXT -x SIGNATURE -P KEY`. Signature is empty, and so is Key,
	// where the recording was sealed without a key.
	Text      string
	Signature string
	Key       string // the id of the key, as minisign prints it

	trees [len(treeNames)]pageRef
}

// treeNames are the trees in the order of the file.
var treeNames = [...]string{treeGroup, treeFrame, treeSession, treeDevice, treeID}

const (
	sealVersion = "1"
	tailMagic   = "SEAL"
	tailFix     = 16       // behind the text: offset, size, magic
	maxTail     = 64 << 10 // bytes of the block
)

var errTail = errors.New("TAIL is malformed")

// compose writes the text.
func (s *Statement) compose() {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + ": " + value + "\n") }
	line("seal", sealVersion)
	line("recording", hex.EncodeToString(s.ID[:]))
	line("groups", strconv.FormatUint(s.Groups, 10))
	line("records", strconv.FormatUint(s.Records, 10))
	line("sessions", strconv.FormatUint(s.Sessions, 10))
	line("bytes", strconv.FormatInt(s.Bytes, 10))
	line("first", formatTime(s.First))
	line("last", formatTime(s.Last))
	for i, name := range treeNames {
		ref := "-"
		if s.trees[i].size > 0 {
			ref = string(s.trees[i].append(nil, ' '))
		}
		line(name+"-tree", ref)
	}
	line("leaves", strconv.FormatInt(s.Leaves, 10))
	line("root", base64.StdEncoding.EncodeToString(s.Root[:]))
	s.Text = b.String()
}

// formatTime writes nanoseconds since 1970, "-" for no time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return strconv.FormatInt(t.UnixNano(), 10)
}

func parseTime(s string) (time.Time, error) {
	if s == "-" {
		return time.Time{}, nil
	}
	ns, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(0, ns).UTC(), err
}

// sign signs the text.
func (s *Statement) sign(key PrivateKey, now time.Time) {
	comment := fmt.Sprintf("timestamp:%d\trecording:%x", now.Unix(), s.ID)
	s.Signature, s.Key = signText(key, s.Text, comment), KeyID(key.ID())
}

// appendTail appends the TAIL block, which will stand at an offset.
func (s *Statement) appendTail(dst []byte, offset int64) []byte {
	body := []byte(s.Text)
	if s.Signature != "" {
		body = append(append(body, '\n'), s.Signature...)
	}
	size := len(body)
	body = binary.LittleEndian.AppendUint64(body, uint64(offset))
	body = binary.LittleEndian.AppendUint32(body, uint32(size))
	return appendBlock(dst, tagTail, append(body, tailMagic...))
}

// readTail reads the block at a file's end, of which only the last bytes say
// where it begins. Errors wrap ErrNotSealed where there is none, ErrVersion, or
// capture.ErrDamaged; with the last the statement is what could be made of it.
func readTail(r io.ReaderAt, size int64) (s Statement, offset int64, err error) {
	end := make([]byte, tailFix+4)
	at := size - int64(len(end))
	if at < 0 {
		return s, 0, ErrNotSealed
	}
	if n, err := r.ReadAt(end, at); n < len(end) {
		return s, 0, fmt.Errorf("its end: %w", err)
	}
	offset = int64(binary.LittleEndian.Uint64(end))
	whole := size - offset
	if string(end[12:16]) != tailMagic || offset < 0 || whole < blockFix+tailFix || whole > maxTail {
		return s, 0, ErrNotSealed
	}
	block := make([]byte, whole)
	if n, err := r.ReadAt(block, offset); n < len(block) {
		return s, 0, fmt.Errorf("its end: %w", err)
	}
	if binary.LittleEndian.Uint32(block) != magicBlock || int64(binary.LittleEndian.Uint32(block[4:]))+frameHead != whole ||
		string(block[frameHead:frameHead+tagSize]) != tagTail {
		return s, 0, fmt.Errorf("%w: no TAIL where its end says", ErrNotSealed)
	}
	_, body, _, sumErr := parseBlock(block)
	if sumErr != nil {
		body = block[frameHead+tagSize : whole-4]
		sumErr = fmt.Errorf("TAIL at offset %d: %w: %w", offset, capture.ErrDamaged, sumErr)
	}
	s, err = parseTail(body)
	if sumErr != nil {
		return s, offset, sumErr
	}
	return s, offset, err
}

// parseTail reads the body of a TAIL block.
func parseTail(body []byte) (s Statement, err error) {
	text, fix := string(body[:len(body)-tailFix]), body[len(body)-tailFix:]
	if int64(binary.LittleEndian.Uint32(fix[8:])) != int64(len(text)) || string(fix[12:]) != tailMagic {
		return s, fmt.Errorf("%w: %w: its size", capture.ErrDamaged, errTail)
	}
	return parseStatement(text)
}

// parseStatement reads the text of TAIL, with its signature.
func parseStatement(text string) (s Statement, err error) {
	bad := func(what string) (Statement, error) {
		return s, fmt.Errorf("%w: %w: %s", capture.ErrDamaged, errTail, what)
	}
	s.Text = text
	if before, signature, signed := strings.Cut(text, "\n\n"); signed {
		s.Text, s.Signature = before+"\n", signature
		if s.Key, err = signatureKey(signature); err != nil {
			return bad("its signature")
		}
	}
	version, rest, _ := strings.Cut(s.Text, "\n")
	if v, ok := strings.CutPrefix(version, "seal: "); !ok {
		return bad("it does not begin with its version")
	} else if v != sealVersion {
		return s, fmt.Errorf("%w: its seal is of version %q", ErrVersion, clip([]byte(v)))
	}
	seen := map[string]bool{}
	for line := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok || seen[name] {
			return bad(strconv.Quote(name))
		}
		seen[name] = true
		if err := s.set(name, value); err != nil {
			return bad(name)
		}
	}
	for _, name := range []string{"recording", "groups", "leaves", "root"} {
		if !seen[name] {
			return bad("no " + name)
		}
	}
	return s, nil
}

// set takes over a line. Unknown names are ignored.
func (s *Statement) set(name, value string) (err error) {
	switch name {
	case "recording":
		s.ID, err = parseID(value)
	case "groups":
		s.Groups, err = strconv.ParseUint(value, 10, 64)
	case "records":
		s.Records, err = strconv.ParseUint(value, 10, 64)
	case "sessions":
		s.Sessions, err = strconv.ParseUint(value, 10, 64)
	case "bytes":
		s.Bytes, err = strconv.ParseInt(value, 10, 64)
	case "first":
		s.First, err = parseTime(value)
	case "last":
		s.Last, err = parseTime(value)
	case "leaves":
		s.Leaves, err = strconv.ParseInt(value, 10, 64)
	case "root":
		s.Root, err = parseRoot(value)
	}
	for i, tree := range treeNames {
		if name != tree+"-tree" || value == "-" {
			continue
		}
		f := fields{rest: []byte(strings.ReplaceAll(value, " ", "\t"))}
		s.trees[i] = f.ref()
		err = f.err
	}
	return err
}

func parseRoot(s string) (root [32]byte, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != len(root) {
		return root, errField
	}
	return [32]byte(b), nil
}
