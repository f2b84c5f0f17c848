package http1

// Limits bound what the Assembler keeps. Zero fields have the defaults. Head and
// Body are 512 MB at most.
type Limits struct {
	Head    int // bytes of a head, of a trailer: 1 MB
	Fields  int // header fields kept per message: 4096; more are in Raw only
	Body    int // bytes of a body kept, and of a body decompressed: 64 MB
	Pending int // requests of one connection that wait for their response: 1024
}

const (
	limitMost      = 512 << 20 // so that an int32 is enough for an offset in a Message.Raw
	remainderMax   = 64 << 10  // a remainder is told in parts of at most this size
	sniffMax       = 16 << 10  // what is kept of a direction until it is known what the connection speaks
	reserveMax     = 64 << 10  // what a declared length makes us reserve at once
	fileMin        = 1 << 20   // a file transfer larger than this …
	fileKeep       = 64 << 10  // … is kept up to here
	tailMax        = 1 << 20   // text that is taken into a body beyond its length
	chunkLineMax   = 4 << 10   // a chunk header
	chunksMax      = 1 << 18   // chunks of one message that are kept; what follows is counted
	keepTail       = 8 << 10   // the end of an endless line in which a start line is still looked for
	rootNameMax    = 128       // the longest root element whose end is looked for
	rootWithin     = 64 << 10  // where its start tag must stand
	remarksMost    = 16        // remarks of a connection that are kept
	handshakesMost = 16        // handshakes of a connection that are kept
	earlyMax       = 16        // responses that were seen before their requests
	earlyBytes     = 8 << 20   // and their size
)

func (l Limits) head() int    { return min(or(l.Head, 1<<20), limitMost) }
func (l Limits) fields() int  { return or(l.Fields, 4096) }
func (l Limits) body() int    { return min(or(l.Body, 64<<20), limitMost) }
func (l Limits) pending() int { return or(l.Pending, 1024) }

func or(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
