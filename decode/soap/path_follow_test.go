package soap

import (
	"strings"
	"testing"
)

// TestPathsFollow: one reading up to a position says what all of it says.
func TestPathsFollow(t *testing.T) {
	item := "<Item><Name>Body</Name><Value>a</Value></Item>"
	for name, text := range map[string]string{
		"a list":             "<e:E xmlns:e='u'><e:Body><e:M><List>" + strings.Repeat(item, 4) + "</List></e:M></e:Body></e:E>",
		"later siblings":     "<E><Body><M><List>" + item + "</List><Other/><List>" + item + "</List></M><M/></Body><Body/></E>",
		"behind a prefix":    "<E><p:Body xmlns:p='u'><M>" + item + "</M></p:Body><q:Body xmlns:q='v'/></E>",
		"names in the text":  "<E><Body><M>" + item + "<!-- <Body> --></M>Body :Body</Body></E>",
		"not closed":         "<E><Body><M><List>" + item + "<Item><Name>x",
		"closed twice":       "<E><Body><M>" + item + "</M></M></Body><Body></Body></E>",
		"a tag of no name":   "<E><><A/></><A/><></></E><>",
		"a sibling far away": "<E><A>" + strings.Repeat(item, 50) + "</A><A/></E>",
	} {
		var all pathIndex
		all.read(text)
		for at := range text {
			if one, whole := pathAt(text, at), all.at(text, at); one != whole {
				t.Errorf("%s, byte %d: %q, all of it says %q", name, at, one, whole)
				break
			}
		}
	}
}
