package check

import (
	"testing"
	"time"

	"informant/decode/cwmp"
)

// TestAnswerTo finds the answers to requests that were sent ahead of them, and
// doesn't search a session without answers to its end for each request.
func TestAnswerTo(t *testing.T) {
	const ahead = 10
	var all []*cwmp.Message
	for _, from := range []cwmp.Role{cwmp.CPE, cwmp.ACS} {
		for i := range ahead {
			all = append(all, &cwmp.Message{From: from, Exchange: i + 1})
		}
	}
	for i := range ahead {
		if got := answerTo(all, i); got != all[ahead+i] {
			t.Errorf("request %d: %v", i+1, got)
		}
	}

	all = all[:0]
	for i := range 200_000 {
		all = append(all, &cwmp.Message{From: cwmp.CPE, Exchange: i + 1})
	}
	begun := time.Now()
	for i := range all {
		if answerTo(all, i) != nil {
			t.Fatal("an answer where there is none")
		}
	}
	if took := time.Since(begun); took > 5*time.Second { // to the end: minutes
		t.Errorf("%v for %d requests without an answer", took, len(all))
	}
}
