package replay

import (
	crand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"time"
)

// Random is where what is made up comes from: nonces, cookies, waiting times. The
// same seed gives the same, as long as what is asked for comes in the same order.
// It is safe for concurrent use; a nil one is the system's, and never the same.
type Random struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

// NewRandom is one of a seed.
func NewRandom(seed uint64) *Random {
	var b [32]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	return &Random{source: rand.NewChaCha8(b)}
}

// read fills b.
func (r *Random) read(b []byte) {
	if r == nil {
		crand.Read(b) // never fails
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source.Read(b) // never fails
}

// Nonce is 32 digits that nobody can guess.
func (r *Random) Nonce() string {
	b := make([]byte, 16)
	r.read(b)
	return hex.EncodeToString(b)
}

// between is a duration of at least low and less than high.
func (r *Random) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	var b [8]byte
	r.read(b[:])
	return low + time.Duration(binary.LittleEndian.Uint64(b[:])%uint64(high-low))
}
