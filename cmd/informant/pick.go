package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/transcript"
)

// pick is which sessions are asked for. What is zero does not select; of several
// things that are set all must hold.
type pick struct {
	session      string // ordinal ("3", "f1") or the beginning of an id
	device       string // its key
	since, until time.Time
}

// pickFlags are the flags that select sessions.
type pickFlags struct{ session, device, since, until string }

func (p *pickFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.session, "session", "", "only this session: its `number`, fN for a fragment, or eight or more digits of its id (of a sealed recording it alone is read, and what needs the sessions before or after it is not told)")
	f.StringVar(&p.device, "device", "", "only sessions of this device: `OUI-CLASS-SERIAL`, as the transcript names it")
	f.StringVar(&p.since, "since", "", "only sessions that begin at this `time` or later: 2026-11-22, 2026-11-22T08:00 (UTC), or RFC 3339")
	f.StringVar(&p.until, "until", "", "only sessions that begin before this `time`")
}

func (p *pickFlags) parse() (pick, error) {
	since, err := parseTime("since", p.since)
	until, err2 := parseTime("until", p.until)
	return pick{p.session, p.device, since, until}, errors.Join(err, err2)
}

// parseTime reads the value of a flag; "" is the zero time.
func parseTime(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(form, value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--%s %q: it takes a time such as 2026-11-22, 2026-11-22T08:00 or 2026-11-22T08:00:00+01:00", flag, value)}
}

// all says that nothing selects.
func (p *pick) all() bool { return *p == pick{} }

// hasID says whether an id is the one asked for.
func (p *pick) hasID(id [16]byte) bool {
	return len(p.session) >= 8 && id != [16]byte{} && strings.HasPrefix(fmt.Sprintf("%x", id), strings.ToLower(p.session))
}

// isOrdinal says whether a session is asked for by its number, which counts from
// the start of what is read.
func (p *pick) isOrdinal() bool {
	_, err := strconv.ParseUint(strings.TrimPrefix(p.session, "f"), 10, 64)
	return err == nil && len(p.session) < 8
}

// takes says whether a session is asked for.
func (p *pick) takes(s *cwmp.Session) bool {
	return p.matches(transcript.SessionName(s), s.ID, s.Device.Key(), s.Start)
}

// matches says whether a session of that name, id, device and start is asked for.
func (p *pick) matches(name string, id [16]byte, device string, start time.Time) bool {
	return (p.session == "" || name == p.session || p.hasID(id)) &&
		(p.device == "" || device == p.device) &&
		(p.since.IsZero() || !start.Before(p.since)) &&
		(p.until.IsZero() || start.Before(p.until))
}

// sessionChosen says whether the item is a session asked for, or belongs to one.
func (c *selection) sessionChosen(it *decode.Item) bool {
	if it.Kind != decode.SessionItem && c.isOrdinal() {
		return false // its session has no number yet
	}
	takes := c.takes
	if c.names != nil {
		takes = func(s *cwmp.Session) bool { _, ok := c.names[s.ID]; return ok }
	}
	switch it.Kind {
	case decode.SessionItem:
		return takes(it.Session)
	case decode.ConnectionRequestItem:
		r := it.ConnectionRequest
		return r.Followed && takes(&cwmp.Session{ID: r.Session, Device: r.Device, Start: r.Time})
	case decode.TransferItem:
		x := it.Transfer
		return takes(&cwmp.Session{ID: x.Session, Device: x.Device, Start: x.Time})
	case decode.OperationItem:
		return c.operation(it.Operation)
	}
	return false
}

// operation says whether a command is of a session that is asked for.
func (c *selection) operation(o *decode.Operation) bool {
	if c.names != nil { // not all was read: of a device alone it was
		return c.session == "" && c.since.IsZero() && c.until.IsZero() && o.Device == c.device
	}
	return c.matches("", o.Command.Session, o.Device, o.Command.Asked)
}

// rename gives a session the number that it has among all.
func (c *selection) rename(it *decode.Item) {
	if it.Kind != decode.SessionItem {
		return
	}
	name, ok := c.names[it.Session.ID]
	if !ok {
		return
	}
	n, err := strconv.Atoi(strings.TrimPrefix(name, "f"))
	if err != nil {
		return
	}
	own := *it.Session
	own.Ordinal = n
	it.Session = &own
}

// nothingChosen says that there was no session of those asked for.
func (o *outcome) nothingChosen(c *selection) bool {
	return !c.all() && o.totals.Sessions+o.totals.Fragments == 0 && !o.interrupted
}

func noSession(c *selection) error {
	if c.session == "" {
		return errors.New("no session in what was read is of that device and time ('informant decode' alone tells which there are)")
	}
	return fmt.Errorf("no session %q in what was read ('informant decode' without --session tells which there are)", c.session)
}
