package replay

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/icholy/digest"

	"informant/decode/cwmp"
)

// Login is who a CPE says it is to an ACS, or an ACS to a CPE that it calls: by
// Basic (RFC 7617) or Digest (RFC 7616), as the other side asks for.
type Login struct{ User, Password string }

// session of a login with one side: the challenge that it answers, and how often it
// did.
type loggedIn struct {
	Login
	random    *Random
	basic     bool
	challenge *digest.Challenge
	count     int
}

// errLogin: there is nothing to answer a challenge with.
var errLogin = errors.New("replay: the other side wants a login (--user)")

// asked takes the challenges of a 401. The strongest one counts that can be
// answered.
func (l *loggedIn) asked(challenges []string) error {
	if l.User == "" {
		return errLogin
	}
	var best *digest.Challenge
	basic := false
	for _, text := range challenges {
		if scheme, _, _ := strings.Cut(text, " "); strings.EqualFold(scheme, "Basic") {
			basic = true
			continue
		}
		c, err := digest.ParseChallenge(text)
		if err != nil {
			continue
		}
		for i := range c.QOP {
			c.QOP[i] = strings.TrimSpace(c.QOP[i])
		}
		if sessionless, _ := withoutSession(c.Algorithm); !digest.CanDigest(&digest.Challenge{Algorithm: sessionless, QOP: c.QOP}) {
			continue
		}
		if best == nil || strings.HasPrefix(strings.ToUpper(c.Algorithm), "SHA") && !strings.HasPrefix(strings.ToUpper(best.Algorithm), "SHA") {
			best = c
		}
	}
	l.challenge, l.basic, l.count = best, best == nil && basic, 0
	if best == nil && !basic {
		return fmt.Errorf("replay: no challenge that can be answered: %s", strings.Join(challenges, "; "))
	}
	return nil
}

// answer is the Authorization of a request, "" while none was asked for.
func (l *loggedIn) answer(method, target, body string) (string, error) {
	switch {
	case l.basic:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password)), nil
	case l.challenge == nil:
		return "", nil
	}
	l.count++
	c, err := credentials(l.challenge, l.Login, method, target, body, l.random.Nonce(), l.count)
	if err != nil {
		return "", err
	}
	return c.String(), nil
}

// credentials answer a challenge. The algorithms that bind a session are not the
// library's: it is given their A1.
func credentials(c *digest.Challenge, l Login, method, target, body, cnonce string, count int) (*digest.Credentials, error) {
	o := digest.Options{Method: method, URI: target, Count: count, Username: l.User, Password: l.Password, Cnonce: cnonce,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
	algorithm, session := withoutSession(c.Algorithm)
	if !session {
		return digest.Digest(c, o)
	}
	hash := func(text string) string {
		if strings.EqualFold(algorithm, "SHA-256") {
			h := sha256.Sum256([]byte(text))
			return hex.EncodeToString(h[:])
		}
		h := md5.Sum([]byte(text))
		return hex.EncodeToString(h[:])
	}
	o.A1 = hash(hash(l.User+":"+c.Realm+":"+l.Password) + ":" + c.Nonce + ":" + cnonce)
	plain := *c
	plain.Algorithm = algorithm
	x, err := digest.Digest(&plain, o)
	if err == nil {
		x.Algorithm = c.Algorithm
	}
	return x, err
}

// withoutSession is the algorithm that "MD5-sess" and its like stand on.
func withoutSession(algorithm string) (plain string, session bool) {
	if n := len(algorithm) - len("-sess"); n > 0 && strings.EqualFold(algorithm[n:], "-sess") {
		return algorithm[:n], true
	}
	return algorithm, false
}

// LoginOf is how a recorded CPE logged in: the name, and the password where it was
// said in clear (Basic).
func LoginOf(s *cwmp.Session) (l Login) {
	for _, m := range s.Messages {
		if m.From != cwmp.CPE || m.HTTP == nil {
			continue
		}
		text, _ := m.HTTP.Field("Authorization")
		if scheme, rest, _ := strings.Cut(text, " "); strings.EqualFold(scheme, "Basic") {
			if b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err == nil {
				l.User, l.Password, _ = strings.Cut(string(b), ":")
				return l
			}
		}
		if c, err := digest.ParseCredentials(text); err == nil {
			l.User = c.Username
		}
	}
	return l
}
