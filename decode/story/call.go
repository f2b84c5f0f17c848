package story

import (
	"strconv"
	"strings"
	"time"

	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// sessionWait is how long a CPE may take until it opens the session (TR-069 3.2.2).
const sessionWait = 30 * time.Second

// OfCall is the verdict on a connection request (TR-069 3.2.2) that did not lead to a
// session, given what was found of it and the time of the last message that was seen.
// There is none on one that did, or that may yet.
func OfCall(r *cwmp.ConnectionRequest, findings []check.Finding, now time.Time) (Verdict, bool) {
	if r.Followed || len(r.Exchanges) == 0 {
		return Verdict{}, false
	}
	refused := 0 // answers to requests with credentials
	var last *http1.Exchange
	stale := false
	for _, x := range r.Exchanges {
		if x.Request == nil || !x.Request.Complete {
			return Verdict{}, false
		}
		last = x
		if x.Response == nil {
			continue
		}
		if !x.Response.Complete || x.Response.Lost != 0 {
			return Verdict{}, false
		}
		if _, has := x.Request.Field("Authorization"); has && x.Response.Status == 401 {
			refused++
			v, _ := x.Response.Field("WWW-Authenticate")
			stale = strings.EqualFold(http1.DigestParameter(v, "stale"), "true")
		}
	}
	if last.Response == nil {
		return Verdict{Party: check.Unknown, Then: "the CPE did not answer the connection request"}, true
	}
	why := func(ids ...string) *check.Finding {
		for _, id := range ids {
			for i := range findings {
				if findings[i].Check.ID == id {
					return &findings[i]
				}
			}
		}
		return nil
	}
	verdict := func(party check.Party, then string, ids ...string) (Verdict, bool) {
		v := Verdict{Party: party, Then: then}
		if f := why(ids...); f != nil {
			v.Party, v.Because = f.Party, f
		}
		return v, true
	}
	switch status := last.Response.Status; {
	case status == 401 && refused == 0:
		return verdict(check.ACS, "the ACS did not answer the challenge to its connection request", "CR-002", "CR-014")
	case status == 401:
		then := "the CPE refused the ACS's credentials"
		if refused > 1 {
			then += " " + strconv.Itoa(refused) + " times"
		}
		if stale {
			then += ", the last time since the nonce was too old"
		}
		return verdict(check.Unknown, then, "CR-012", "CR-013", "CR-014", "CR-002")
	case status == 503:
		return verdict(check.CPE, "the CPE can't be called now, and answers with 503")
	case status == 200 || status == 204:
		if r.Device.IsZero() || now.Sub(last.Response.Last) <= sessionWait {
			return Verdict{}, false
		}
		return verdict(check.CPE, "the CPE accepted the connection request, and no session followed", "CR-003")
	default:
		return verdict(check.CPE, "the CPE answered the connection request with status "+strconv.Itoa(status), "CR-015", "CR-004")
	}
}
