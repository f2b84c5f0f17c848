package cwmp_test

import (
	"fmt"
	"strings"
	"testing"

	"informant/capture/capturetest"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// track decodes a scenario and tells, a line each, what the tracker made of it.
func track(t *testing.T, text string, limits cwmp.Limits) []string {
	t.Helper()
	var lines []string
	tell := func(events []cwmp.Event) {
		for _, e := range events {
			switch e.Kind {
			case cwmp.SessionEnded:
				lines = append(lines, tellSession(e.Session)...)
			case cwmp.Requested:
				cr := e.ConnectionRequest
				lines = append(lines, fmt.Sprintf("request %s status %v followed %v", cr.Device.SerialNumber, cr.Status, cr.Followed))
			case cwmp.Transferred:
				lines = append(lines, fmt.Sprintf("transfer %s key %s status %d bytes %d", e.Transfer.Method, e.Transfer.CommandKey, e.Transfer.Status, e.Transfer.Bytes))
			case cwmp.OtherHTTP:
				lines = append(lines, "other "+e.Other.Exchange.Request.Method)
			}
		}
	}
	var a http1.Assembler
	tr := cwmp.Tracker{Limits: limits}
	for r := range capturetest.Each(t, capturetest.Scenario(t, "informant scenario 1\n"+text)) {
		for _, e := range a.Feed(r) {
			tell(tr.Feed(e, cwmp.Read(&e)))
		}
	}
	for _, e := range a.Finish() {
		tell(tr.Feed(e, cwmp.Read(&e)))
	}
	tell(tr.Finish())
	return lines
}

func tellSession(s *cwmp.Session) []string {
	what := "session"
	if s.Fragment {
		what = "fragment"
	}
	lines := []string{fmt.Sprintf("%s %d %s conns %d: %s: %s", what, s.Ordinal, s.Device.SerialNumber, len(s.Conns), s.Outcome, s.Reason)}
	for _, m := range s.Messages {
		l := strings.TrimRight(fmt.Sprintf("  %d %s %s %s", m.Exchange, m.From, m.Kind, m.RPC), " ")
		if m.Kind == cwmp.HTTP || m.Kind == cwmp.Empty && m.From == cwmp.ACS {
			l += fmt.Sprint(" ", m.Status)
		}
		if m.Resend {
			l += " resend"
		}
		if m.Breach != cwmp.NoBreach {
			l += fmt.Sprintf(" breach %d", m.Breach)
		}
		lines = append(lines, l+" -> "+m.After.String())
	}
	for _, x := range s.Transactions {
		l := "  " + x.Caller.String() + " " + x.Request.RPC + " = "
		if x.Response != nil {
			l += x.Response.RPC
		}
		lines = append(lines, strings.TrimRight(l, " "))
	}
	return lines
}

var trackCases = []struct{ name, in, want string }{
	{"shortest", `
cpe Inform
acs InformResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"401 then again", `
cpe Inform
acs 401
cpe resend
acs InformResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs http 401 -> start
  2 cpe request Inform resend -> informed
  2 acs response InformResponse -> active
  3 cpe empty -> idle after no more
  3 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"401 on a new connection", `
cpe Inform
acs 401
close cpe
connect
cpe resend
acs InformResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 2: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs http 401 -> start
  2 cpe request Inform resend -> informed
  2 acs response InformResponse -> active
  3 cpe empty -> idle after no more
  3 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"gave up after 401", `
cpe Inform
acs 401
close cpe
`, `
session 1 S000140 conns 1: unfinished: the input ends before the session does
  1 cpe request Inform -> informed
  1 acs http 401 -> start
`},
	{"second Inform", `
cpe Inform
acs InformResponse
cpe Inform events="2 PERIODIC"
acs InformResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 1: failed: another Inform came before the session was over
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  cpe Inform = InformResponse
session 2 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform breach 2 -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"fault 8005", `
cpe Inform
acs Fault 8005
cpe resend
acs InformResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs fault Fault -> start
  2 cpe request Inform resend -> informed
  2 acs response InformResponse -> active
  3 cpe empty -> idle after no more
  3 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"begins in the middle", `
connect midstream
cpe GetParameterValuesResponse
acs Reboot
cpe RebootResponse
acs 204
`, `
fragment 1  conns 1: fragment: its beginning was not seen
  1 cpe response GetParameterValuesResponse -> start
  1 acs request Reboot -> start
  2 cpe response RebootResponse -> start
  2 acs empty 204 -> start
  acs Reboot = RebootResponse
`},
	{"HTTP error", `
cpe Inform
acs 503
`, `
session 1 S000140 conns 1: failed: the ACS answered the Inform with status 503
  1 cpe request Inform -> informed
  1 acs http 503 -> failed
  cpe Inform =
`},
	{"continued by its cookie", `
cpe Inform
acs InformResponse
  header Set-Cookie: s=77
close acs
connect
cpe empty
  header Cookie: s=77
acs 204
`, `
session 1 S000140 conns 2: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"HoldRequests", `
cpe Inform events="7 TRANSFER COMPLETE|M Download=fw"
acs InformResponse
  block HoldRequests 1 1
cpe empty
acs Reboot
  block HoldRequests 1 1
cpe RebootResponse
acs 204
cpe TransferComplete key=fw
acs TransferCompleteResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> on hold
  2 cpe empty -> idle on hold
  2 acs request Reboot -> asked on hold
  3 cpe response RebootResponse -> idle on hold
  3 acs empty 204 -> active
  4 cpe request TransferComplete -> called
  4 acs response TransferCompleteResponse -> active
  5 cpe empty -> idle after no more
  5 acs empty 204 -> done
  cpe Inform = InformResponse
  acs Reboot = RebootResponse
  cpe TransferComplete = TransferCompleteResponse
`},
	{"empty probe before the Inform", `
cpe empty
acs 401
cpe Inform
acs InformResponse
cpe empty
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe empty -> start
  1 acs http 401 -> start
  2 cpe request Inform -> informed
  2 acs response InformResponse -> active
  3 cpe empty -> idle after no more
  3 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"two devices through one connection of a relay", `
device A serial=A1
cpe Inform
acs InformResponse
  header Set-Cookie: s=a
device B serial=B1 via=A
cpe Inform
acs InformResponse
  header Set-Cookie: s=b
cpe empty
  header Cookie: s=b
acs 204
`, `
session 2 B1 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
session 1 A1 conns 1: unfinished: the input ends before the session does
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  cpe Inform = InformResponse
`},
	{"a relay's pool: each goes on by its cookie", `
device A serial=A1
cpe Inform
acs InformResponse
  header Set-Cookie: s=a
device B serial=B1 via=A
cpe Inform
acs InformResponse
  header Set-Cookie: s=b
device A
cpe empty
  header Cookie: s=a
acs 204
device B
cpe empty
  header Cookie: s=b
acs 204
`, `
session 2 B1 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
session 1 A1 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"a load balancer's cookie names nobody", `
device A serial=A1
cpe Inform
acs InformResponse
  header Set-Cookie: lb=1
  add-header Set-Cookie: s=a
close cpe
device B serial=B1
cpe Inform
acs InformResponse
  header Set-Cookie: lb=1
  add-header Set-Cookie: s=b
close cpe
device A
connect
cpe empty
  header Cookie: lb=1; s=a
acs 204
close cpe
device B
connect
cpe empty
  header Cookie: lb=1; s=b
acs 204
`, `
session 1 A1 conns 2: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
session 2 B1 conns 2: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"two devices with one serial number", `
device A serial=000000 address=192.0.2.1
cpe Inform
acs 401
device B serial=000000 address=192.0.2.2
cpe Inform
acs InformResponse
cpe empty
acs 204
`, `
session 2 000000 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
session 1 000000 conns 1: unfinished: the input ends before the session does
  1 cpe request Inform -> informed
  1 acs http 401 -> start
`},
	{"reset in the middle", `
cpe Inform
acs InformResponse
cpe empty
acs GetParameterValues ParameterNames=[Device.]
reset cpe
wait 60s
connect
cpe Inform events="2 PERIODIC"
acs 204
`, `
session 1 S000140 conns 1: failed: the CPE reset the connection with the GetParameterValues unanswered
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs request GetParameterValues -> asked after no more
  cpe Inform = InformResponse
  acs GetParameterValues =
session 2 S000140 conns 1: unfinished: the input ends before the session does
  1 cpe request Inform -> informed
  1 acs empty 204 breach 3 -> active
  cpe Inform =
`},
	{"Connection Request, then its session, then a download", `
cpe Inform
acs InformResponse
cpe empty
acs 204
close cpe
wait 5s
acs GET
cpe 401
acs GET
cpe 200
wait 1s
connect
cpe Inform events="6 CONNECTION REQUEST"
acs InformResponse
cpe empty
acs Download CommandKey=fw URL=http://files.example/fw.bin
cpe DownloadResponse Status=1
acs 204
close cpe
cpe GET http://files.example/fw.bin
files 200
  | abc
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  cpe Inform = InformResponse
request S000140 status [401 200] followed true
session 2 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs request Download -> asked after no more
  3 cpe response DownloadResponse -> idle after no more
  3 acs empty 204 -> done
  cpe Inform = InformResponse
  acs Download = DownloadResponse
transfer GET key fw status 200 bytes 3
`},
	{"one more empty POST after the end", `
cpe Inform
acs InformResponse
cpe empty
acs 204
cpe empty
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs empty 204 -> done
  3 cpe empty breach 12 -> idle after no more
  3 acs empty 204 -> done
  cpe Inform = InformResponse
`},
	{"an answer that breaks off before its body", `
cpe Inform
acs InformResponse
cpe empty
acs GetParameterValues
  truncate 79
cut
`, `
session 1 S000140 conns 1: unfinished: the input ends before the session does
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe empty -> idle after no more
  2 acs unreadable -> asked after no more
  cpe Inform = InformResponse
`},
	{"neither answers what the other asked", `
cpe Inform
acs InformResponse
cpe TransferComplete key=fw
acs 204
cpe empty
acs GetParameterValues ParameterNames=[Device.]
cpe empty
acs GetParameterValues ParameterNames=[Device.]
cpe GetParameterNamesResponse
acs 204
`, `
session 1 S000140 conns 1: complete: the ACS had no more requests
  1 cpe request Inform -> informed
  1 acs response InformResponse -> active
  2 cpe request TransferComplete -> called
  2 acs empty 204 breach 4 -> active
  3 cpe empty -> idle after no more
  3 acs request GetParameterValues -> asked after no more
  4 cpe empty breach 6 -> idle after no more
  4 acs request GetParameterValues -> asked after no more
  5 cpe response GetParameterNamesResponse breach 5 -> idle after no more
  5 acs empty 204 -> done
  cpe Inform = InformResponse
  cpe TransferComplete =
  acs GetParameterValues =
  acs GetParameterValues = GetParameterNamesResponse
`},
}

func TestTracker(t *testing.T) {
	for _, c := range trackCases {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(track(t, c.in, cwmp.Limits{}), "\n")
			if want := strings.TrimSpace(c.want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
