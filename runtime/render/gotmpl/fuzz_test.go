package gotmpl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// No template makes Compile or Render panic or run on; what fails is a problem
// with a place, and does not tell the value of a key.
func FuzzRender(f *testing.F) {
	for function := range funcs.All() {
		for _, e := range function.Examples {
			f.Add(e.Template, "a value of a key")
		}
	}
	f.Add(nginx, "10.0.0.1:80")
	ring := keyring(f)
	f.Fuzz(func(t *testing.T, text, value string) {
		opts := gotmpl.Options{
			File: "a", World: small, Keyring: ring, Functions: guests(&guest{}),
			ReadFile: files(map[string]string{"part.tmpl": "{{.}}", "again": text}),
			MaxFuel:  20_000, MaxBytes: 1 << 20, MaxOutput: 1 << 20,
		}
		tmpl, err := gotmpl.Compile("a", text, opts)
		if err == nil {
			_, err = tmpl.Render(t.Context(), everything(map[string]string{
				"/app/name": value, "/app/port": "8080", "/app/hosts/a": value, "/app/hosts/b": "2", "/v": value,
				"/db": `{"host": "db1", "port": 5432}`, "/hosts": `["a", 1.5, null]`,
			}))
		}
		if err == nil {
			return
		}
		var p *problem.Problem
		if !errors.As(err, &p) || p.File == "" || p.Line == 0 || p.Col == 0 {
			t.Fatalf("%q: %T %v", text, err, err)
		}
		_ = p.Detail()
		tells := len(value) > 8 && strings.Contains(err.Error()+gotmpl.Classic(err), value)
		if tells && !strings.Contains(text, value) && !strings.HasPrefix(value, "/") {
			t.Errorf("%q tells the value: %v", text, err)
		}
	})
}
