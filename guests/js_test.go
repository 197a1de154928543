package guests_test

import (
	"flag"
	"os"
	"os/exec"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

func newScript(t testing.TB, r *wasm.Runtime, file string, o script.Options) *script.Script {
	t.Helper()
	m, err := script.Load(t.Context(), r, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	o.File = file
	s, err := script.New(t.Context(), m, read(t, file), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The script writes the same bytes as the template and the guests, reads the
// same keys, and takes the same fuel each time.
func TestNginxScript(t *testing.T) {
	s := newScript(t, newRuntime(t), "nginx-js/nginx.js", script.Options{Stats: func(s wasm.Stats) {
		if s.Fuel != 1_093_062 || s.Calls["getv"] != 153 || s.Calls["ls"] != 1 {
			t.Errorf("used %+v", s)
		}
	}})
	want := string(read(t, "testdata/nginx.conf"))
	for range 2 {
		v := view(t, "testdata/nginx.json", "/nginx", "/services/web")
		got, err := s.Render(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("got\n%s", got)
		}
		if r := v.Reads(); !r.TouchesAny([]kv.Change{{Key: "/services/web/51/host"}}) || r.TouchesAny([]kv.Change{{Key: "/other"}}) {
			t.Errorf("reads are wrong")
		}
	}
}

var update = flag.Bool("update", false, "write what is generated in sdk")

// The types for editors are those of the one list of functions. `go test
// ./guests -run TestTypes -update` writes them.
func TestTypes(t *testing.T) {
	const file = "sdk/js/wconf.d.ts"
	if *update {
		if err := os.WriteFile(file, []byte(script.Types()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if string(read(t, file)) != script.Types() {
		t.Errorf("%s is not what the code says; go test ./guests -run TestTypes -update", file)
	}
}

// The types are right in TypeScript's eyes.
func TestTypesByTypeScript(t *testing.T) {
	needs.Check(t, "npm and its registry")
	npx := needs.Tool(t, "npx")
	out, err := exec.Command(npx, "--yes", "--package=typescript@5.9.3", "tsc", "--noEmit", "--allowJs", "--checkJs", "--strict", "--noImplicitAny", "false", "nginx-js/nginx.js").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
