package http1

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
)

// DigestResponse is the response that a Digest answer must have (RFC 2617 3.2.2, RFC
// 7616 3.4) by its own parameters, the method and the password. It is false where they
// ask for what can't be computed: another algorithm, or auth-int.
func DigestResponse(v Parameters, method, password string) (response string, ok bool) {
	algorithm, session := strings.CutSuffix(strings.ToLower(v.Get("algorithm")), "-sess")
	var sum func() hash.Hash
	switch algorithm {
	case "", "md5":
		sum = md5.New
	case "sha-256":
		sum = sha256.New
	default:
		return "", false
	}
	h := func(parts ...string) string {
		d := sum()
		d.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(d.Sum(nil))
	}
	a1 := h(v.Get("username"), v.Get("realm"), password)
	if session {
		a1 = h(a1, v.Get("nonce"), v.Get("cnonce"))
	}
	a2 := h(method, v.Get("uri"))
	switch v.Get("qop") {
	case "":
		return h(a1, v.Get("nonce"), a2), true
	case "auth":
		return h(a1, v.Get("nonce"), v.Get("nc"), v.Get("cnonce"), "auth", a2), true
	}
	return "", false
}
