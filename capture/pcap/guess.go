package pcap

import "bytes"

// methods that begin a request; HTTP's, WebDAV's few that are met, and UPnP's.
var methods = []string{"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "DELETE ", "CONNECT ", "PATCH ", "TRACE ", "NOTIFY ", "SUBSCRIBE "}

func startsLikeRequest(b []byte) bool {
	for _, m := range methods {
		if bytes.HasPrefix(b, []byte(m)) {
			return true
		}
	}
	return false
}

// guessClient tells who opened a connection whose beginning was not seen: by
// what either side says, else the server is who has the lower port.
func (f *flow) guessClient() end {
	for e := range f.half {
		for _, p := range f.half[e].pend {
			switch b := p.data; {
			case startsLikeRequest(b), tlsHello(b, 1):
				return end(e)
			case bytes.HasPrefix(b, []byte("HTTP/1.")), tlsHello(b, 2):
				return end(1 - e)
			}
		}
	}
	a, b := f.address(0).Port(), f.address(1).Port()
	switch {
	case a < b:
		return 1
	case b < a:
		return 0
	}
	return f.client // the first seen
}

// tlsHello knows a ClientHello (1) and a ServerHello (2).
func tlsHello(b []byte, kind byte) bool {
	return len(b) > 5 && b[0] == 22 && b[1] == 3 && b[5] == kind
}
