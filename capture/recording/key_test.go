package recording

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	secret, open := filepath.Join(dir, "a.key"), filepath.Join(dir, "a.pub")
	public, private, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteKeys(secret, open, private, ""); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if err := WriteKeys(secret, open, private, ""); !errors.Is(err, os.ErrExist) {
		t.Error("overwritten:", err)
	}
	if err := WriteKeys(secret+"2", open, private, ""); !errors.Is(err, os.ErrExist) {
		t.Error("overwritten:", err)
	}
	if _, err := os.Stat(secret + "2"); err == nil {
		t.Error("half a pair of keys was left")
	}
	read, err := ReadPrivateKey(secret, nil)
	if err != nil || !read.Equal(private) {
		t.Fatal(err)
	}
	gotPublic, err := ReadPublicKey(open)
	if err != nil || !gotPublic.Equal(public) {
		t.Fatal(err)
	}
	if bare, err := ParsePublicKey(public.String()); err != nil || !bare.Equal(public) {
		t.Error(err)
	}
}

// encryptedKey was made with a cheap key derivation, its password is
// "open sesame".
const (
	encryptedKey = "untrusted comment: minisign encrypted secret key\n" +
		"RWRTY0Iy7+KpJbTAuBdIInHhUikyIa3gpUcF4OTdBLeKhW/y1FQAgAAAAAAAAAAAAAEAAAAAh95qVpVYeQnnl8EaSFEGmEOKANmqhgmOZnd+3mpsyEJnDMVVPLIzaw2zU9wbOrOoTzBiZg+X33oe4iR/51yFjRkBVxtIb/Rdyl+OXdqfr3TqC/U0xTJ58Zzsk+qDdFSumO87ZRbXgAI=\n"
	encryptedPublic = "RWQKI2YictzHRrU+V6gI1KOgfiCEzQqBNzWV/dJ50+KumiwsdmNeD2XL"
)

func says(p string) func() (string, error) { return func() (string, error) { return p, nil } }

func TestKeyEncrypted(t *testing.T) {
	if _, err := parsePrivateKey([]byte(encryptedKey), nil); !errors.Is(err, ErrPassword) {
		t.Error("without a password:", err)
	}
	if _, err := parsePrivateKey([]byte(encryptedKey), says("wrong")); !errors.Is(err, ErrPassword) {
		t.Error("with a wrong password:", err)
	}
	key, err := parsePrivateKey([]byte(encryptedKey), says("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	if p := key.Public().(PublicKey); p.String() != encryptedPublic {
		t.Error(p)
	}
}

// The key derivation of minisign takes 1 GB and seconds.
func TestKeyPassword(t *testing.T) {
	if os.Getenv("INFORMANT_SOAK") == "" {
		t.Skip("takes 1 GB of memory: with INFORMANT_SOAK=1")
	}
	dir := t.TempDir()
	secret := filepath.Join(dir, "a.key")
	_, private, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteKeys(secret, filepath.Join(dir, "a.pub"), private, "open sesame"); err != nil {
		t.Fatal(err)
	}
	if read, err := ReadPrivateKey(secret, says("open sesame")); err != nil || !read.Equal(private) {
		t.Error("with its password:", err)
	}
}

func TestKeyDamaged(t *testing.T) {
	_, private, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := private.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	line := string(keyLine(text))
	for name, text := range map[string]string{
		"empty": "", "no base64": "untrusted comment: x\n%%%", "cut": line[:40], "another kind": "AA" + line[2:],
		"memory": line[:4] + "Y3" + line[6:60] + strings.Repeat("/", 16) + line[76:],
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parsePrivateKey([]byte(text), func() (string, error) { return "x", nil }); err == nil {
				t.Error("accepted")
			}
			if _, err := ParsePublicKey(text); err == nil {
				t.Error("accepted as a public key")
			}
		})
	}
}

func TestSignature(t *testing.T) {
	public, private, _ := GenerateKey()
	other, _, _ := GenerateKey()
	s := signText(private, "the text\n", "timestamp:1")
	if id, err := signatureKey(s); err != nil || id != KeyID(public.ID()) {
		t.Error(id, err)
	}
	if strings.Count(s, "\n") != 4 {
		t.Errorf("%q is not of four lines", s)
	}
	for name, c := range map[string]struct {
		key             PublicKey
		text, signature string
		want            bool
	}{
		"right":         {public, "the text\n", s, true},
		"another text":  {public, "the text", s, false},
		"another key":   {other, "the text\n", s, false},
		"its comment":   {public, "the text\n", strings.Replace(s, "timestamp:1", "timestamp:2", 1), false},
		"cut":           {public, "the text\n", s[:100], false},
		"no signature":  {public, "the text\n", "", false},
		"empty message": {public, "", s, false},
	} {
		if verifyText(c.key, c.text, c.signature) != c.want {
			t.Errorf("%s: not %v", name, c.want)
		}
	}
}
