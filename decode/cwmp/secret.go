package cwmp

import (
	"strings"
	"unicode/utf8"
)

// secretEnds are the ends of the names, in lower case, whose values are
// secrets: passwords and keys of the data models TR-098, TR-104, TR-106,
// TR-181 and of the RPCs' own arguments.
var secretEnds = [...]string{
	"password", "passwd", "passphrase", "presharedkey", "psk", "secret", "wepkey", "sharedkey", "privatekey", "secretkey", "pincode",
	"passcode", "encryptionkey", "authkey", "authenticationkey", "networkkey", "pwd", "accesskey", "masterkey", "devicepin",
	"pass",
}

// secretNames are whole names, in lower case, that are secrets though their
// ends are no sign of it.
var secretNames = [...]string{"pin", "puk", "ki", "opc", "wepkey0", "wpakey", "token", "accesstoken", "authtoken", "sessionkey"}

// IsSecret tells whether the value at a parameter's path, or of an RPC's
// argument of that name, is a secret that must be masked: passwords,
// passphrases and keys. User names are none. The last node that is no
// instance number decides, so that "…PreSharedKey.1.PreSharedKey" and
// "…WEPKey.1" both are.
func IsSecret(path string) bool { return maybeSecret(path) && secretPath(path) }

// maybeSecret looks at the last letters of the last node only: most names can
// be no secret's by them.
func maybeSecret(path string) bool {
	e := len(path)
	for e > 0 && (path[e-1] == '.' || path[e-1] >= '0' && path[e-1] <= '9') {
		e--
	}
	if e < 3 {
		return true
	}
	a, b, c := path[e-3]|0x20, path[e-2]|0x20, path[e-1]|0x20
	if a >= 0x80 || b >= 0x80 || c >= 0x80 || path[e-3] <= ' ' || path[e-1] <= ' ' || c == ']'|0x20 {
		return true // not worth a closer look here
	}
	switch uint32(a)<<16 | uint32(b)<<8 | uint32(c) {
	case 'o'<<16 | 'r'<<8 | 'd', 's'<<16 | 'w'<<8 | 'd', 'p'<<16 | 'w'<<8 | 'd', 'a'<<16 | 's'<<8 | 'e', 'k'<<16 | 'e'<<8 | 'y', 'p'<<16 | 's'<<8 | 'k',
		'r'<<16 | 'e'<<8 | 't', 'o'<<16 | 'd'<<8 | 'e', 'p'<<16 | 'i'<<8 | 'n', 'p'<<16 | 'u'<<8 | 'k', 'o'<<16 | 'p'<<8 | 'c', 'k'<<16 | 'e'<<8 | 'n',
		'.'<<16 | 'k'<<8 | 'i', 'a'<<16 | 's'<<8 | 's':
		return true
	}
	return false
}

// secretPath is IsSecret by the whole name.
func secretPath(path string) bool {
	for {
		i := strings.LastIndexByte(path, '.')
		name := path[i+1:]
		if i >= 0 && instance(name) {
			path = path[:i]
			continue
		}
		return secretName(strings.TrimSpace(name))
	}
}

// instance tells whether a node is an instance number, an alias, or nothing.
func instance(name string) bool {
	return trimDigits(name) == "" || name[0] == '['
}

// trimDigits is name without the digits at its end. It is asked for every
// parameter that is told, so it makes no set of characters as strings.TrimRight
// does.
func trimDigits(name string) string {
	n := len(name)
	for n > 0 && name[n-1] >= '0' && name[n-1] <= '9' {
		n--
	}
	return name[:n]
}

func secretName(name string) bool {
	const longest = 256
	if name == "" || len(name) > longest {
		return false
	}
	var room [32]byte // what is shorter needs no memory
	name = string(appendLower(room[:0], name))
	for _, n := range secretNames {
		if name == n {
			return true
		}
	}
	name = trimDigits(name)
	for _, end := range secretEnds {
		if strings.HasSuffix(name, end) {
			return !notSecret(name)
		}
	}
	return false
}

// appendLower appends s in lower case.
func appendLower(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return append(dst[:len(dst)-i], strings.ToLower(s)...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// notSecret are names that only speak of a secret, such as whether it is needed,
// or that end as one by chance.
func notSecret(name string) bool {
	for _, w := range [...]string{"requirepassword", "needpassword", "usepassword", "showpassword", "hidepassword", "changepassword", "resetpassword", "forgotpassword", "allowpassword",
		"bypass", "compass", "lowpass", "highpass", "bandpass"} {
		if strings.HasSuffix(name, w) {
			return true
		}
	}
	return false
}
