package transcript

import (
	"fmt"

	"informant/decode/cwmp"
)

// bindingNames are the types of STUN messages (RFC 3489 11.1).
var bindingNames = map[uint16]string{0x0001: "STUN binding request", 0x0101: "STUN binding response", 0x0111: "STUN binding error"}

// datagram tells a datagram in a line. What signs a connection request is left out.
func (w *teller) datagram(d *cwmp.Datagram) {
	kind, what, more := "datagram", "neither a connection request nor STUN", fmt.Sprintf("%d bytes", len(d.Text))
	switch {
	case d.Request != nil:
		kind, what, more = "connection request over UDP", safe(d.Request.Method), "id "+safe(d.Request.Value("id"))+", ts "+safe(d.Request.Value("ts"))
	case d.Binding != nil:
		what = bindingNames[d.Binding.Type]
	}
	w.entry(kind, d.Time, arrow(d.Conn), what, more, safe(d.Device.Key()))
}

func (e *encoder) datagram(d *cwmp.Datagram) {
	e.text("type", "datagram")
	e.time("time", d.Time)
	e.ends("from", "to", d.Conn)
	if !d.Device.IsZero() {
		e.device(d.Device)
	}
	switch {
	case d.Request != nil:
		e.text("is", "connectionRequest")
		e.text("method", d.Request.Method)
		e.known("requestId", d.Request.Value("id"))
		e.known("ts", d.Request.Value("ts"))
	case d.Binding != nil:
		e.text("is", "stun")
	default:
		e.text("is", "other")
	}
	e.number("bytes", int64(len(d.Text)))
	if d.Packet != 0 {
		e.number("packet", int64(d.Packet))
	}
}
