package httptext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// splitJSON reads a message that a test tool kept as a JSON array of its header
// fields and its body. There is no start line in it, so the body goes out as a
// bare envelope and the fields as a remark.
func splitJSON(text []byte) ([]item, bool) {
	var parts []json.RawMessage
	var fields map[string]string
	var body string
	if !looksJSON(text) || json.Unmarshal(text, &parts) != nil || len(parts) != 2 ||
		json.Unmarshal(parts[0], &fields) != nil || json.Unmarshal(parts[1], &body) != nil {
		return nil, false
	}
	var lines []string
	for name, value := range fields {
		lines = append(lines, name+": "+value)
	}
	slices.Sort(lines)
	items := split([]byte(body))
	told := fmt.Sprintf("header fields without a start line, as JSON: %s", strings.Join(lines, "; "))
	if isBlank([]byte(body)) {
		told += "; the body is empty"
	}
	return append([]item{{remark: told}}, items...), true
}

// looksJSON says whether text begins with an array whose first value is an
// object.
func looksJSON(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 1 && text[0] == '[' && bytes.HasPrefix(bytes.TrimLeft(text[1:], " \t\r\n"), []byte("{"))
}
