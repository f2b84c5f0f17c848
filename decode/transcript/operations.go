package transcript

import (
	"time"

	"informant/decode"
	"informant/decode/history"
)

// done tells what became of commands of earlier sessions.
func (w *teller) done(it decode.Item) {
	for i := range it.Done {
		x := &it.Done[i]
		end := "done, says " + x.By
		switch {
		case x.Method == "SetParameterValues":
			end = "the CPE calls " + w.masked(x.By)
		case x.Void:
			end = "void by " + x.By
		case x.Fault != "" && x.Fault != "0":
			end = "failed with " + x.Fault + ", says " + x.By
		}
		w.wrapped(line{{dim, "  concludes "}}, hang, " ", words(normal, safe(w.command(&x.Command)+", "+ago(it.Session.Start.Sub(x.Asked))+" before: "+end)))
	}
}

// command names a command and where it was given.
func (w *teller) command(c *history.Command) string {
	name := c.Method
	switch {
	case c.Method == "SetParameterValues": // the only one that is followed sets the ACS's URL
		name += " of the ACS's URL to " + w.masked(c.URL)
	case c.Key != "":
		name += " " + c.Key
	}
	return name + " of session " + shortID(c.Session)
}

// operation tells a command of which nothing was heard.
func (w *teller) operation(o *decode.Operation) {
	c := &o.Command
	since := "no session of the device since"
	if c.Good > 0 {
		since = "nothing of it in " + count(c.Good, "later session", "later sessions")
	}
	w.entry("operation", c.Asked, safe(o.Device), safe(w.command(c)), since+", "+ago(o.Until.Sub(c.Asked)))
}

// ago is a length of time, as exact as one cares.
func ago(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return d.Round(time.Minute).String()
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

// concluded writes what became of commands of earlier sessions.
func (e *encoder) concluded(list []history.Done) {
	if len(list) == 0 {
		return
	}
	e.array("concludes")
	for i := range list {
		x := &list[i]
		e.object("")
		e.command(&x.Command)
		if x.Method == "SetParameterValues" {
			e.url("by", x.By)
		} else {
			e.text("by", x.By)
		}
		e.known("faultCode", x.Fault)
		e.yes("void", x.Void)
		e.end('}')
	}
	e.end(']')
}

// command writes the fields of a command into an open object.
func (e *encoder) command(c *history.Command) {
	e.text("method", c.Method)
	e.known("commandKey", c.Key)
	e.known("fileType", c.FileType)
	e.url("url", c.URL)
	e.hex("session", c.Session[:])
	e.number("n", int64(c.N))
	e.time("asked", c.Asked)
}

// operation writes a command of which nothing was heard.
func (e *encoder) operation(o *decode.Operation) {
	e.text("type", "operation")
	e.text("deviceKey", o.Device)
	e.command(&o.Command)
	e.number("laterSessions", int64(o.Command.Good))
	e.time("until", o.Until)
}
