package gotmpl_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// Without fakes, functions look at this machine.
func TestThisMachine(t *testing.T) {
	t.Setenv("WCONF_TEST_SET", "v1")
	t.Setenv("WCONF_TEST_EMPTY", "")
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{{getenv "WCONF_TEST_SET"}} {{getenv "WCONF_TEST_EMPTY" "d"}} [{{getenv "WCONF_TEST_NONE"}}]`: "v1 d []",
		`{{hostname}}`: host,
		`{{fileExists "` + filepath.ToSlash(there) + `"}} {{fileExists "` + filepath.ToSlash(there) + `.not"}} {{fileExists ""}}`: "true false false",
		`{{lookupIP "10.1.2.3"}} {{lookupIPV4 "fe80::1"}} {{lookupIPV6 "fe80::1"}}`:                                               "[10.1.2.3] [] [fe80::1]",
		`{{len (lookupSRV "x" "tcp" "not a host name")}}`:                                                                         "0",
		`{{(datetime).Format "2006"}} {{(datetime).Weekday | printf "%T"}}`:                                                       time.Now().Format("2006") + " time.Weekday",
		`{{lookupIfaceIPV4 "` + loopback(t) + `"}}`:                                                                               "127.0.0.1",
		`[{{lookupIfaceIPV6 "no-such-interface"}}]`:                                                                               "[]",
	} {
		if got, err := render(t, text, gotmpl.Options{}); got != want {
			t.Errorf("%s\ngot  %q, %v\nwant %q", text, got, err, want)
		}
	}
}

// SRV records are sorted by their text, as confd does: 3890 comes before 3891,
// and before 400.
func TestServicesAreSortedAsText(t *testing.T) {
	world := funcs.World{LookupSRV: func(context.Context, string, string, string) ([]*net.SRV, error) {
		return []*net.SRV{{Target: "a", Port: 400}, {Target: "a", Port: 389, Priority: 2}, {Target: "a", Port: 3890, Priority: 1}, {Target: "a", Port: 3891}}, nil
	}}
	got, err := render(t, `{{range lookupSRV "x" "tcp" "y"}}{{.Port}},{{.Priority}} {{end}}`, gotmpl.Options{World: world})
	if want := "3890,1 3891,0 389,2 400,0 "; got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// loopback is the name of the interface that has 127.0.0.1.
func loopback(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("no loopback interface")
	return ""
}

// rsaKey is a key as confd's users have it.
func rsaKey(t *testing.T) (*openpgp.Entity, *funcs.Keyring) {
	t.Helper()
	e, err := openpgp.NewEntity("app", "", "app@example.org", &packet.Config{RSABits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w, err := armor.Encode(&file, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SerializePrivate(w, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ring, err := funcs.ReadKeyring(&file)
	if err != nil {
		t.Fatal(err)
	}
	return e, ring
}

// seal is what confd's tools store: base64 of PGP of gzip.
func seal(t *testing.T, to *openpgp.Entity, text string) []byte {
	t.Helper()
	var sealed, zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w, err := openpgp.Encrypt(&sealed, []*openpgp.Entity{to}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(zipped.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

func TestSealedValues(t *testing.T) {
	key, ring := rsaKey(t)
	good := seal(t, key, "tagged-plain-text")
	damaged := bytes.Clone(good)
	damaged[len(damaged)-5] ^= 1
	encode := base64.StdEncoding.EncodeToString
	keys := map[string]string{
		"/good": encode(good), "/damaged": encode(damaged), "/short": encode(good[:len(good)-30]), "/plain": "tagged", "/other": encode([]byte("tagged")),
		"/bomb": encode(seal(t, key, strings.Repeat("x", 1<<20))), "/foreign": "",
	}
	for text, want := range map[string]string{
		`{{cgetv "/good"}}`: "tagged-plain-text",
		`{{range cgets "/good"}}{{.Key}} {{.Value}}{{end}} {{cgetvs "/good"}}{{getv "/good" | len}}`: "/good tagged-plain-text [tagged-plain-text]",
		`{{cgetv "/damaged"}}`:          "error: damaged",
		`{{cgetv "/short"}}`:            "error: damaged",
		`{{cgetv "/plain"}}`:            "error: value is not encrypted: illegal base64 data",
		`{{cgetv "/other"}}`:            "error: value cannot be decrypted",
		`{{cgetv "/bomb"}}`:             "error: template builds too much text",
		`{{cgetv "/none"}}`:             "error: key does not exist: /none",
		`{{cgetv "/none" "a default"}}`: "error: wrong number of args for cgetv: want 1 got 2",
		`{{cget "/none"}}`:              "error: key does not exist: /none",
		`{{cgets "/p*"}}`:               "error: value is not encrypted",
	} {
		tmpl, err := gotmpl.Compile("t", text, gotmpl.Options{Keyring: ring, MaxBytes: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		out, err := tmpl.Render(t.Context(), everything(keys))
		want, fails := strings.CutPrefix(want, "error: ")
		switch {
		case fails && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "tagged")):
			t.Errorf("%s: got error %v, want %s", text, err, want)
		case !fails && !strings.HasPrefix(string(out), want):
			t.Errorf("%s: got %q, %v", text, out, err)
		}
	}
	if _, err := funcs.ReadKeyring(strings.NewReader("no keyring")); err == nil {
		t.Error("text is read as a keyring")
	}
}
