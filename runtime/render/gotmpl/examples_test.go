package gotmpl_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// everything is a view of all of these keys.
func everything(keys map[string]string) *kv.View { return scoped(keys, "", "/") }

func scoped(keys map[string]string, prefix string, granted ...string) *kv.View {
	return kv.NewView(kv.NewSnapshot(pairs(keys)), kv.NewScope(prefix, granted))
}

func pairs(keys map[string]string) []kv.Pair {
	var pairs []kv.Pair
	for k, v := range keys {
		pairs = append(pairs, kv.Pair{Key: k, Value: v})
	}
	return pairs
}

func files(texts map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if text, ok := texts[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

func keyring(t testing.TB) *funcs.Keyring {
	t.Helper()
	f, err := os.Open("testdata/secring.asc")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k, err := funcs.ReadKeyring(f)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// small is the world that the examples see.
var small = funcs.World{
	Getenv:   func(name string) string { return map[string]string{"REGION": "eu"}[name] },
	Now:      func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	Hostname: func() (string, error) { return "web-1", nil },
	Stat: func(path string) error {
		if path == "/etc/ssl/shop.pem" {
			return nil
		}
		return fs.ErrNotExist
	},
	LookupIP: func(context.Context, string) ([]net.IP, error) {
		return []net.IP{net.ParseIP("fd00::7"), net.ParseIP("10.0.0.7")}, nil
	},
	LookupSRV: func(context.Context, string, string, string) ([]*net.SRV, error) {
		return []*net.SRV{{Target: "b.example.", Port: 389}, {Target: "a.example.", Port: 389}}, nil
	},
	InterfaceAddrs: func(name string) ([]net.Addr, error) {
		if name != "eth0" {
			return nil, errors.New("no such interface")
		}
		return []net.Addr{&net.IPNet{IP: net.ParseIP("fd00::7")}, &net.IPNet{IP: net.ParseIP("10.0.0.7")}}, nil
	},
}

func TestExamples(t *testing.T) {
	for f := range funcs.All() {
		t.Run(f.Name, func(t *testing.T) {
			if len(f.Examples) == 0 || f.Doc == "" || f.Since == "" || !strings.HasPrefix(f.Usage, f.Name) {
				t.Error("needs a usage, words, an origin and an example")
			}
			looked := false
			for _, e := range f.Examples {
				v := everything(e.Keys)
				runExample(t, e, v)
				looked = looked || slices.Contains(v.Reads().World(), f.Name)
				if !strings.Contains(e.Template, f.Name) {
					t.Errorf("example %s does not show it", e.Template)
				}
			}
			if looked != f.World {
				t.Errorf("World is %v, noted %v", f.World, looked)
			}
		})
	}
}

func runExample(t *testing.T, e funcs.Example, v *kv.View) {
	t.Helper()
	tmpl, err := gotmpl.Compile("example.tmpl", e.Template, gotmpl.Options{ReadFile: files(e.Files), World: small, Keyring: keyring(t)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.Render(t.Context(), v)
	switch {
	case e.Error == "" && (err != nil || string(got) != e.Output):
		t.Errorf("%s\ngot  %q, %v\nwant %q", e.Template, got, err, e.Output)
	case e.Error != "" && (err == nil || !strings.Contains(err.Error(), e.Error)):
		t.Errorf("%s\ngot error %v, want %q", e.Template, err, e.Error)
	}
}
