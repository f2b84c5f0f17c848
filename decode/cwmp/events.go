package cwmp

import "strings"

// EventInfo is a standard EventCode (TR-069 3.7.1.5, reference 4).
type EventInfo struct {
	Code   string // exactly: "4 VALUE CHANGE", "M Download"
	Number int    // 4; -1 for the M events
	// Multiple: one per cause, each with its own CommandKey. Without it, at
	// most one is in an Inform.
	Multiple bool
	// CommandKey: it carries that of the request that caused it; other
	// events have an empty one.
	CommandKey bool
	// ClearedBy is the ACS's message that delivers the event:
	// "InformResponse", "TransferCompleteResponse", …
	ClearedBy string
	// Calls is the method that the CPE calls in the session of the event, ""
	// when there is none.
	Calls string
	// With are the events of which at least one must be in the same Inform.
	With []string
	// Method is the request that causes an M event: "Download".
	Method string
	Since  int // the CWMP version that brought it: 2 for CWMP 1.2
	// Amendment6: only Amendment 6 has it.
	Amendment6 bool
	Retry      Retry
}

// Retry is what becomes of an event that could not be delivered.
type Retry uint8

// The policies of reference 4.
const (
	RetryUnknown     Retry = iota // no text of the standard was seen for it
	RetrySurvives                 // retried, also after a reboot
	RetryUntilReboot              // retried until the next reboot
	RetryNever                    // need not be retried
)

var standardEvents = [...]EventInfo{
	{Code: "0 BOOTSTRAP", Number: 0, ClearedBy: "InformResponse", Retry: RetrySurvives},
	{Code: "1 BOOT", Number: 1, ClearedBy: "InformResponse", Retry: RetryUntilReboot},
	{Code: "2 PERIODIC", Number: 2, ClearedBy: "InformResponse", Retry: RetrySurvives},
	{Code: "3 SCHEDULED", Number: 3, ClearedBy: "InformResponse", With: []string{"M ScheduleInform"}, Retry: RetrySurvives},
	{Code: "4 VALUE CHANGE", Number: 4, ClearedBy: "InformResponse", Retry: RetryUntilReboot},
	{Code: "5 KICKED", Number: 5, ClearedBy: "KickedResponse", Calls: "Kicked", Retry: RetrySurvives},
	{Code: "6 CONNECTION REQUEST", Number: 6, ClearedBy: "InformResponse", Retry: RetryNever},
	{Code: "7 TRANSFER COMPLETE", Number: 7, ClearedBy: "TransferCompleteResponse", Calls: "TransferComplete", With: []string{"M Download", "M ScheduleDownload", "M Upload"}, Retry: RetrySurvives},
	{Code: "8 DIAGNOSTICS COMPLETE", Number: 8, ClearedBy: "InformResponse", Retry: RetryUntilReboot},
	{Code: "9 REQUEST DOWNLOAD", Number: 9, ClearedBy: "RequestDownloadResponse", Calls: "RequestDownload", Retry: RetrySurvives},
	{Code: "10 AUTONOMOUS TRANSFER COMPLETE", Number: 10, ClearedBy: "AutonomousTransferCompleteResponse", Calls: "AutonomousTransferComplete", Since: 1, Retry: RetrySurvives},
	{Code: "11 DU STATE CHANGE COMPLETE", Number: 11, ClearedBy: "DUStateChangeCompleteResponse", Calls: "DUStateChangeComplete", With: []string{"M ChangeDUState"}, Since: 2, Retry: RetrySurvives},
	{Code: "12 AUTONOMOUS DU STATE CHANGE COMPLETE", Number: 12, ClearedBy: "AutonomousDUStateChangeCompleteResponse", Calls: "AutonomousDUStateChangeComplete", Since: 2},
	{Code: "13 WAKEUP", Number: 13, ClearedBy: "InformResponse", Since: 4},
	{Code: "14 HEARTBEAT", Number: 14, ClearedBy: "InformResponse", Since: 4, Amendment6: true},
	{Code: "M Reboot", Number: -1, Multiple: true, CommandKey: true, ClearedBy: "InformResponse", With: []string{"1 BOOT"}, Method: "Reboot", Retry: RetrySurvives},
	{Code: "M ScheduleInform", Number: -1, Multiple: true, CommandKey: true, ClearedBy: "InformResponse", With: []string{"3 SCHEDULED"}, Method: "ScheduleInform", Retry: RetrySurvives},
	{Code: "M Download", Number: -1, Multiple: true, CommandKey: true, ClearedBy: "TransferCompleteResponse", Calls: "TransferComplete", With: []string{"7 TRANSFER COMPLETE"}, Method: "Download", Retry: RetrySurvives},
	{Code: "M ScheduleDownload", Number: -1, Multiple: true, CommandKey: true, ClearedBy: "TransferCompleteResponse", Calls: "TransferComplete", With: []string{"7 TRANSFER COMPLETE"}, Method: "ScheduleDownload", Since: 2, Retry: RetrySurvives},
	{Code: "M Upload", Number: -1, Multiple: true, CommandKey: true, ClearedBy: "TransferCompleteResponse", Calls: "TransferComplete", With: []string{"7 TRANSFER COMPLETE"}, Method: "Upload", Retry: RetrySurvives},
	{Code: "M ChangeDUState", Number: -1, Multiple: true, CommandKey: true, ClearedBy: "DUStateChangeCompleteResponse", Calls: "DUStateChangeComplete", With: []string{"11 DU STATE CHANGE COMPLETE"}, Method: "ChangeDUState", Since: 2, Retry: RetrySurvives},
}

// StandardEvents lists the standard events in the order of reference 4. The
// caller owns the slice, but not the With in it.
func StandardEvents() []EventInfo { return append([]EventInfo(nil), standardEvents[:]...) }

// StandardEvent finds the standard event that code means. exact says that it
// is written as the standard has it. Otherwise it was found in spite of other
// case or blanks, by its number alone ("0 BOOTSTAP"), by its words alone
// ("BOOTSTRAP"), or with up to two wrong letters ("M Dowload"). ok is false
// for vendor events ("X …", "M X_…") and whatever means none.
func StandardEvent(code string) (e EventInfo, exact, ok bool) {
	for i := range standardEvents {
		if standardEvents[i].Code == code {
			return standardEvents[i], true, true
		}
	}
	if VendorEvent(code) {
		return EventInfo{}, false, false
	}
	folded := strings.ToUpper(strings.Join(strings.Fields(code), " "))
	for i := range standardEvents {
		if strings.ToUpper(standardEvents[i].Code) == folded {
			return standardEvents[i], false, true
		}
	}
	if n, text, is := eventNumber(folded); is {
		return numbered(n, text)
	}
	return nearEvent(folded)
}

// eventNumber takes a code that begins with a number apart.
func eventNumber(code string) (n int, text string, ok bool) {
	i := 0
	for i < len(code) && i < 4 && code[i] >= '0' && code[i] <= '9' {
		n = n*10 + int(code[i]-'0')
		i++
	}
	return n, strings.TrimLeft(code[i:], " _-"), i > 0
}

// numbered finds an event by its number; its words may be misspelt or missing.
func numbered(n int, text string) (EventInfo, bool, bool) {
	for i := range standardEvents {
		if e := standardEvents[i]; e.Number == n && (text == "" || likely(text, e)) {
			return e, false, true
		}
	}
	return EventInfo{}, false, false
}

// likely tells whether text can be a misspelling of the words of e. Words of
// another event under its number are not ("8 CLIENT CHANGE" is: half of it is
// nothing else), so that only the number decides where the words decide
// nothing.
func likely(text string, e EventInfo) bool {
	if near(text, words(e), len(text)/2+1) {
		return true
	}
	for i := range standardEvents {
		if o := &standardEvents[i]; o.Number != e.Number && near(text, words(*o), 2) {
			return false
		}
	}
	return true
}

// words is an event code without its number.
func words(e EventInfo) string {
	_, text, _ := strings.Cut(e.Code, " ")
	return strings.ToUpper(text)
}

// nearEvent finds an event without a number, with at most two wrong letters.
func nearEvent(folded string) (EventInfo, bool, bool) {
	for i := range standardEvents {
		e := standardEvents[i]
		if e.Number >= 0 && len(folded) > 3 && near(folded, words(e), 2) || e.Number < 0 && near(folded, strings.ToUpper(e.Code), 2) {
			return e, false, true
		}
	}
	return EventInfo{}, false, false
}

// VendorEvent tells whether code has the form of a vendor's event: "X <OUI> …",
// "X <domain> …" or "M X_…".
func VendorEvent(code string) bool {
	if rest, ok := strings.CutPrefix(code, "M X_"); ok {
		return rest != "" && !strings.ContainsAny(rest, " \t")
	}
	rest, ok := strings.CutPrefix(code, "X ")
	if !ok {
		return false
	}
	who, what, ok := strings.Cut(rest, " ")
	return ok && who != "" && strings.TrimSpace(what) != ""
}

// near tells whether a and b differ by at most most edits of a letter.
func near(a, b string, most int) bool {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) > most || len(b)-len(a) > most {
		return false
	}
	var row [65]int
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		left := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := left
			if a[i-1] != b[j-1] {
				cost++
			}
			left = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)] <= most
}
