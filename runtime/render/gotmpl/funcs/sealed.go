package funcs

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// vault holds values sealed for the throw-away keyring of the tests.
var vault = map[string]string{
	"/db/password/a": "wV4D+qBzCil3WVESAQdASzwTce95GLQLgsA9BNRduHdA5KpWw014VrcaUv5iCCkwJj8oGA1XYdSCpx62PBRhMh9C8kvN1jdycOsJoSou+B+Tr55KUSKuqN+uAz62Nbaz0k8B7fW/U/71jvHs51bdd2rCaB3JnjwDUzJtFPE0f9YscM+trAuyqvpMY7VuTYG+mplBhTibz9z14Vd/XA7N1uvayPdRGpBjWqhxJbO8GVeo",
	"/db/password/b": "wV4D+qBzCil3WVESAQdAI0RzlG7tq3/NkrV/byUZg7dmqkBaX6TKCY75NrU8nW4wrtg8bXDpvCVzqMH6vbZ8NmXx9UzT7h+Ve7tQ3xoSGNeiPA48HgTKPL1rg1vzbENJ0lAB9jSu6HqaUsVznCpBo9sPkV0f6ZAvcWrUIHdmye/ZS6D4UlY3sJptm8SjP15IKc1lxoK4JIgy2olave3gwWlot9AyfUkgNOKrAKDI4A+BQQ==",
}

var sealed = []Function{{
	Name: "cgetv", Usage: "cgetv KEY", Since: confd, Sealed: true,
	Doc: "Like getv, decrypted. It takes no default.",
	Code: func(r *Run) any {
		return func(key string) (string, error) {
			v, ok := r.keys.Get(key)
			if !ok {
				return "", &MissingKey{key, "cgetv"}
			}
			return r.open(v)
		}
	},
	Examples: []Example{{Keys: vault, Template: `{{cgetv "/db/password/a"}}`, Output: "s3cret"}},
}, {
	Name: "cget", Usage: "cget KEY", Since: confd, Sealed: true,
	Doc: "Like get, decrypted.",
	Code: func(r *Run) any {
		return func(key string) (Pair, error) {
			v, ok := r.keys.Get(key)
			if !ok {
				return Pair{}, &MissingKey{key, "cget"}
			}
			v, err := r.open(v)
			return Pair{key, v}, err
		}
	},
	Examples: []Example{{Keys: vault, Template: `{{with cget "/db/password/a"}}{{.Key}}={{.Value}}{{end}}`, Output: "/db/password/a=s3cret"}},
}, {
	Name: "cgets", Usage: "cgets PATTERN", Since: confd, Sealed: true,
	Doc: "Like gets, decrypted.", Code: func(r *Run) any { return r.openAll },
	Examples: []Example{{Keys: vault, Template: `{{range cgets "/db/password/*"}}{{base .Key}}={{.Value}} {{end}}`, Output: "a=s3cret b=hunter2 "}},
}, {
	Name: "cgetvs", Usage: "cgetvs PATTERN", Since: confd, Sealed: true,
	Doc: "Like getvs, decrypted and then sorted.",
	Code: func(r *Run) any {
		return func(glob string) ([]string, error) {
			pairs, err := r.openAll(glob)
			if err != nil {
				return nil, err
			}
			return sortedValues(pairs), nil
		}
	},
	Examples: []Example{{Keys: vault, Template: `{{cgetvs "/db/password/*"}}`, Output: "[hunter2 s3cret]"}},
}}

// Keyring is the secret keys with which values can be decrypted.
type Keyring struct{ keys openpgp.EntityList }

// ReadKeyring reads an armored OpenPGP secret keyring, as gpg --export-secret-keys
// --armor writes it. Keys with a passphrase are of no use.
func ReadKeyring(armored io.Reader) (*Keyring, error) {
	keys, err := openpgp.ReadArmoredKeyRing(armored)
	if err != nil {
		return nil, fmt.Errorf("read the secret keyring: %w", err)
	}
	return &Keyring{keys}, nil
}

func (r *Run) openAll(glob string) ([]Pair, error) {
	found, err := r.glob(glob)
	if err != nil {
		return nil, err
	}
	pairs := slices.Clone(found)
	for i := range pairs {
		if pairs[i].Value, err = r.open(pairs[i].Value); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// open decrypts a value: base64 of an OpenPGP message of gzip of the text.
func (r *Run) open(value string) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", fmt.Errorf("value is not encrypted: %w", err)
	}
	if err := r.Budget.Make(len(sealed)); err != nil {
		return "", err
	}
	// Keyrings of confd's time hold keys that serve for everything.
	config := &packet.Config{InsecureAllowDecryptionWithSigningKeys: true, MinRSABits: 1024}
	message, err := openpgp.ReadMessage(bytes.NewReader(sealed), r.keyring.keys, nil, config)
	if err != nil {
		return "", errors.New("value cannot be decrypted with the keyring")
	}
	plain, err := gzip.NewReader(message.UnverifiedBody)
	if err != nil {
		return "", errors.New("decrypted value is not gzip")
	}
	left := r.Budget.bytes
	text, err := io.ReadAll(io.LimitReader(plain, left+1))
	if err == nil { // what follows the text proves that nobody changed it
		_, err = io.Copy(io.Discard, io.LimitReader(message.UnverifiedBody, left+1))
	}
	if err != nil {
		return "", errors.New("value cannot be decrypted: it is damaged")
	}
	return string(text), r.Budget.Make(len(text))
}
