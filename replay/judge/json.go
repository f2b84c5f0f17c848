package judge

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"

	"informant/decode/diff"
	"informant/decode/transcript"
)

// JSON tells verdicts to programs: an object in a line, by Schema. Fields are only ever
// added.
type JSON struct {
	ShowSecrets bool // values of passwords and keys are masked otherwise
}

// Schema is the JSON Schema (draft 2020-12) of the lines.
//
//go:embed schema.json
var Schema string

type jsonVerdict struct {
	Schema     int            `json:"schema"`
	Type       string         `json:"type"`
	Session    string         `json:"session"`
	ID         string         `json:"id"`
	Device     string         `json:"device"`
	Played     string         `json:"played,omitempty"`
	Verdict    string         `json:"verdict"`
	Reason     string         `json:"reason,omitempty"`
	Steps      map[string]int `json:"steps"`
	Differs    []jsonStep     `json:"differs"`
	Findings   []jsonFinding  `json:"findings"`
	Gone       []string       `json:"gone"`
	Deviations []string       `json:"deviations"`
	Unanswered []string       `json:"unanswered"`
	LeftOut    []string       `json:"leftOut"`
}

type jsonStep struct {
	N       int          `json:"n"` // of the recorded message; 0 for none
	Played  int          `json:"played"`
	Status  string       `json:"status"`
	From    string       `json:"from"`
	Message string       `json:"message"`
	Now     string       `json:"now,omitempty"`
	Changes []jsonChange `json:"changes"`
}

type jsonChange struct {
	Path     string `json:"path"`
	Status   string `json:"status"`
	Recorded string `json:"recorded"`
	Played   string `json:"played"`
	Masked   bool   `json:"masked,omitempty"`
}

type jsonFinding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"`
	Party    string `json:"party"`
	N        int    `json:"n"`
	Text     string `json:"text"`
}

// Append appends a verdict as an object in a line.
func (o JSON) Append(dst []byte, v *Verdict) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(o.of(v)); err != nil { // it has no value that can't be written
		panic(err)
	}
	return append(dst, b.Bytes()...)
}

func (o JSON) of(v *Verdict) jsonVerdict {
	s := v.Recorded.Session
	j := jsonVerdict{Schema: 1, Type: "verdict", Session: transcript.SessionName(s), ID: hex.EncodeToString(s.ID[:]), Device: s.Device.Key(),
		Verdict: map[Judgement]string{Same: "same", Different: "different", None: "none"}[v.Judgement], Reason: v.Reason,
		Steps: map[string]int{}, Differs: []jsonStep{}, Findings: []jsonFinding{}, Gone: append([]string{}, v.Result.Gone...),
		Deviations: append([]string{}, v.Report.Deviations...), Unanswered: append([]string{}, v.Report.Unanswered...), LeftOut: []string{}}
	if v.Played.Session != nil {
		j.Played = hex.EncodeToString(v.Played.Session.ID[:])
	}
	for _, status := range []diff.Status{diff.Same, diff.Different, diff.Missing, diff.Extra} {
		j.Steps[status.String()] = v.Result.Count(status)
	}
	for i := range v.Result.Steps {
		st := &v.Result.Steps[i]
		if st.Status == diff.Same {
			continue
		}
		x := jsonStep{Status: st.Status.String(), From: st.Message().From.String(), Message: diff.Name(st.Message()), Changes: []jsonChange{}}
		if st.Recorded != nil {
			x.N = st.Recorded.N
		}
		if st.Played != nil {
			x.Played = st.Played.N
			if now := diff.Name(st.Played); now != x.Message {
				x.Now = now
			}
		}
		for _, c := range st.Changes {
			y := jsonChange{Path: c.Path, Status: c.Status.String(), Recorded: c.Recorded, Played: c.Played}
			if !o.ShowSecrets {
				var was, is bool
				y.Recorded, was = transcript.MaskValue(c.Path, c.Recorded)
				y.Played, is = transcript.MaskValue(c.Path, c.Played)
				y.Masked = was || is
			}
			x.Changes = append(x.Changes, y)
		}
		j.Differs = append(j.Differs, x)
	}
	for i := range v.Result.Fresh {
		f := &v.Result.Fresh[i]
		j.Findings = append(j.Findings, jsonFinding{f.Check.ID, f.Severity.String(), f.Party.String(), f.At.N, transcript.FindingText(v.Played.Session, f)})
	}
	for _, t := range v.Report.LeftOut {
		j.LeftOut = append(j.LeftOut, t.Request.RPC)
	}
	return j
}
