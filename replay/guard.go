package replay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/icholy/digest"

	"informant/decode/cwmp"
)

// Guard lets in those who know a login: it challenges (RFC 7616, RFC 7617), and
// looks at the answers. It is safe for concurrent use.
type Guard struct {
	Login
	Realm string
	// Algorithms that are offered, the best first: "SHA-256", "MD5", "MD5-sess",
	// "SHA-256-sess", or "Basic". MD5 where there is none.
	Algorithms []string
	// QOP is "auth" where it is empty; "auth-int" covers the body, "none" is RFC 2069's.
	QOP string
	// Fresh is how long a nonce is good for: a minute where it is 0.
	Fresh time.Duration
	// Open lets in whoever answers the challenge, with whatever password.
	Open bool

	key [32]byte
}

// NewGuard makes a guard.
func NewGuard(l Login, algorithms ...string) *Guard {
	g := &Guard{Login: l, Realm: "informant", Algorithms: algorithms}
	rand.Read(g.key[:]) // never fails
	return g
}

// GuardOf is a guard that asks as the ACS of a recorded session did, nil where it did
// not ask. It lets in that login; with none, the recorded one of Basic, and whoever
// answers a Digest challenge: the recording doesn't tell the password.
func GuardOf(s *cwmp.Session, l Login) *Guard {
	for _, m := range s.Messages {
		if m.Status != http.StatusUnauthorized || m.HTTP == nil {
			continue
		}
		g := NewGuard(l)
		for _, text := range m.HTTP.Values("WWW-Authenticate") {
			if scheme, _, _ := strings.Cut(text, " "); strings.EqualFold(scheme, "Basic") {
				g.Algorithms = append(g.Algorithms, "Basic")
				continue
			}
			c, err := digest.ParseChallenge(text)
			if err != nil {
				continue
			}
			g.Algorithms, g.Realm = append(g.Algorithms, orMD5(c.Algorithm)), c.Realm
			g.QOP = "none"
			for _, q := range c.QOP {
				if q = strings.TrimSpace(q); g.QOP != "auth" {
					g.QOP = q
				}
			}
		}
		if len(g.Algorithms) == 0 {
			continue
		}
		if l == (Login{}) {
			g.Login = LoginOf(s)
			g.Open = g.Password == ""
		}
		return g
	}
	return nil
}

// nonce is the time, and what proves that it was given here.
func (g *Guard) nonce(now time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixNano()))
	h := hmac.New(sha256.New, g.key[:])
	h.Write(b[:])
	return hex.EncodeToString(b[:]) + hex.EncodeToString(h.Sum(nil)[:16])
}

// given says whether a nonce was given here, and whether it is still good.
func (g *Guard) given(nonce string, now time.Time) (ours, fresh bool) {
	b, err := hex.DecodeString(nonce)
	if err != nil || len(b) != 24 {
		return false, false
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(b)))
	if subtle.ConstantTimeCompare([]byte(g.nonce(at)), []byte(nonce)) != 1 {
		return false, false
	}
	limit := g.Fresh
	if limit == 0 {
		limit = time.Minute
	}
	return true, now.Sub(at) < limit
}

// Challenges are the values of WWW-Authenticate. stale: the answer was right, and
// its nonce too old.
func (g *Guard) Challenges(stale bool) (list []string) {
	algorithms := g.Algorithms
	if len(algorithms) == 0 {
		algorithms = []string{"MD5"}
	}
	for _, a := range algorithms {
		if strings.EqualFold(a, "Basic") {
			list = append(list, `Basic realm="`+g.Realm+`"`)
			continue
		}
		c := digest.Challenge{Realm: g.Realm, Nonce: g.nonce(time.Now()), Algorithm: a, Stale: stale, Opaque: "informant"}
		switch g.QOP {
		case "none":
		case "":
			c.QOP = []string{"auth"}
		default:
			c.QOP = []string{g.QOP}
		}
		list = append(list, c.String())
	}
	return list
}

// Admits says whether a request may come in. stale: it might, with a fresh nonce.
func (g *Guard) Admits(authorization, method, target, body string) (yes, stale bool) {
	scheme, rest, _ := strings.Cut(authorization, " ")
	if strings.EqualFold(scheme, "Basic") {
		if !g.offers("Basic") {
			return false, false
		}
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
		return err == nil && g.Open || err == nil && subtle.ConstantTimeCompare(b, []byte(g.User+":"+g.Password)) == 1, false
	}
	c, err := digest.ParseCredentials(authorization)
	if err == nil && g.Open {
		ours, fresh := g.given(c.Nonce, time.Now())
		return ours && fresh, ours && !fresh
	}
	if err != nil || c.Username != g.User || c.Realm != g.Realm || c.URI != target || !g.offers(orMD5(c.Algorithm)) {
		return false, false
	}
	ours, fresh := g.given(c.Nonce, time.Now())
	if !ours {
		return false, false
	}
	challenge := &digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm, Opaque: c.Opaque}
	if c.QOP != "" { // a client of RFC 2069 leaves it out
		challenge.QOP = []string{c.QOP}
	}
	if g.QOP == "auth-int" && c.QOP != "auth-int" {
		return false, false
	}
	want, err := credentials(challenge, g.Login, method, target, body, c.Cnonce, c.Nc)
	if err != nil || subtle.ConstantTimeCompare([]byte(want.Response), []byte(c.Response)) != 1 {
		return false, false
	}
	return fresh, !fresh
}

func orMD5(algorithm string) string {
	if algorithm == "" {
		return "MD5"
	}
	return algorithm
}

func (g *Guard) offers(algorithm string) bool {
	if len(g.Algorithms) == 0 {
		return strings.EqualFold(algorithm, "MD5")
	}
	for _, a := range g.Algorithms {
		if strings.EqualFold(a, algorithm) {
			return true
		}
	}
	return false
}
