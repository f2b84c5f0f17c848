package recording

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"aead.dev/minisign"
)

// PublicKey checks the signature of a sealed recording. Its kind is that of
// minisign: Ed25519 with a key id of 64 bits.
type PublicKey = minisign.PublicKey

// PrivateKey signs a sealed recording.
type PrivateKey = minisign.PrivateKey

// KeyID is a key's id as minisign prints it: up to 16 hex digits in upper case.
func KeyID(id uint64) string { return fmt.Sprintf("%X", id) }

// GenerateKey makes a pair of keys from the system's source of random numbers.
func GenerateKey() (PublicKey, PrivateKey, error) { return minisign.GenerateKey(rand.Reader) }

// WriteKeys writes a pair of keys to two new files of minisign's form, the
// private one readable for its owner alone. It overwrites nothing. An empty
// password leaves the private key unencrypted; otherwise its encryption takes
// 1 GB of memory and some seconds, as with minisign.
func WriteKeys(privateName, publicName string, key PrivateKey, password string) error {
	text, err := key.MarshalText()
	if password != "" {
		text, err = minisign.EncryptKey(password, key)
	}
	if err != nil {
		return err
	}
	public, err := key.Public().(PublicKey).MarshalText()
	if err != nil {
		return err
	}
	if err := writeNew(privateName, append(text, '\n'), 0o600); err != nil {
		return err
	}
	if err := writeNew(publicName, append(public, '\n'), 0o644); err != nil {
		return errors.Join(err, os.Remove(privateName))
	}
	return nil
}

// writeNew writes a file that must not exist, and leaves none behind when it
// can't.
func writeNew(name string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// ErrPassword is wrapped by errors that say that a private key is encrypted
// and the password is missing or wrong.
var ErrPassword = errors.New("the key's password is missing or wrong")

var errKey = errors.New("no minisign key")

const (
	maxKeyFile  = 64 << 10
	privateSize = 158 // bytes of a private key, without base64
	kdfAt       = 2   // where it names its key derivation,
	kdfMemoryAt = 46  // and the memory that this takes
	maxKDF      = 1 << 30
)

// ReadPrivateKey reads a private key of minisign's form. password is called
// when the key is encrypted; nil says that there is none.
func ReadPrivateKey(name string, password func() (string, error)) (PrivateKey, error) {
	text, err := readSmall(name)
	if err != nil {
		return PrivateKey{}, err
	}
	key, err := parsePrivateKey(text, password)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

func parsePrivateKey(text []byte, password func() (string, error)) (key PrivateKey, err error) {
	text = keyLine(text)
	b, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(b) != privateSize {
		return key, errKey
	}
	if binary.LittleEndian.Uint16(b[kdfAt:]) == 0 {
		return key, key.UnmarshalText(text)
	}
	if binary.LittleEndian.Uint64(b[kdfMemoryAt:]) > maxKDF {
		return key, fmt.Errorf("%w: its password takes too much memory", errKey)
	}
	if password == nil {
		return key, ErrPassword
	}
	secret, err := password()
	if err != nil {
		return key, err
	}
	if key, err = minisign.DecryptKey(secret, text); err != nil {
		return key, fmt.Errorf("%w (%v)", ErrPassword, err)
	}
	return key, nil
}

// ReadPublicKey reads a public key of minisign's form from a file.
func ReadPublicKey(name string) (PublicKey, error) {
	text, err := readSmall(name)
	if err != nil {
		return PublicKey{}, err
	}
	key, err := ParsePublicKey(string(text))
	if err != nil {
		return PublicKey{}, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// ParsePublicKey reads a public key: the text of its file, or its line of
// base64 alone.
func ParsePublicKey(text string) (key PublicKey, err error) {
	if err := key.UnmarshalText(keyLine([]byte(text))); err != nil {
		return key, fmt.Errorf("%w (%v)", errKey, err)
	}
	return key, nil
}

// keyLine is the line of a key file that holds the key.
func keyLine(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("untrusted comment:")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return bytes.TrimSpace(line)
}

func readSmall(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s: %w", name, errKey)
	}
	return os.ReadFile(name)
}

// signText signs a statement's text as `minisign -S` does. comment is what the
// signature vouches for beside the text.
func signText(key PrivateKey, text, comment string) string {
	r := minisign.NewReader(strings.NewReader(text))
	_, _ = r.Read(make([]byte, len(text)+1)) // hashes it; a strings.Reader gives all at once
	untrusted := "signature from minisign secret key " + KeyID(key.ID())
	return string(r.SignWithComments(key, comment, untrusted))
}

// verifyText is the counterpart of signText.
func verifyText(key PublicKey, text, signature string) bool {
	return minisign.Verify(key, []byte(text), []byte(signature))
}

// signatureKey is the id of the key that a signature names.
func signatureKey(signature string) (string, error) {
	var s minisign.Signature
	if err := s.UnmarshalText([]byte(signature)); err != nil {
		return "", err
	}
	return KeyID(s.KeyID), nil
}
