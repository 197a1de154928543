package gotmpl_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"text/template"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// nginx is the template of the daily bread: upstreams out of a tree.
const nginx = `worker_processes {{getv "/nginx/workers" "auto"}};
events { worker_connections 1024; }
http {
{{- range $u := lsdir "/nginx/upstream"}}
  upstream {{$u}} {
    least_conn;
{{- range gets (printf "/nginx/upstream/%s/*" $u)}}
    server {{.Value}} max_fails=3;{{if eq .Value "10.0.0.7:80"}} # first{{end}}
{{- end}}
  }
{{- end}}
  server {
    listen 80;
    server_name {{getv "/nginx/server_name"}};
{{- range $u := lsdir "/nginx/upstream"}}
    location /{{$u}}/ { proxy_pass http://{{$u}}; proxy_set_header Host $host; }
{{- end}}
  }
}
`

// tight is the worst case for ticks: a body that only prints.
const tight = `{{range gets "/nginx/upstream/*/*"}}{{.Value}}{{end}}`

func servers(n int) map[string]string {
	keys := map[string]string{"/nginx/server_name": "shop.example", "/nginx/workers": "4"}
	for i := range n {
		keys[fmt.Sprintf("/nginx/upstream/shop%d/n%05d", i%5, i)] = fmt.Sprintf("10.0.%d.%d:80", i/250, i%250)
	}
	return keys
}

type plainKeys struct{ *kv.View }

func (k plainKeys) Glob(pattern string) ([]funcs.Pair, error) {
	found, err := k.View.Glob(pattern)
	pairs := make([]funcs.Pair, len(found))
	for i, p := range found {
		pairs[i] = funcs.Pair(p)
	}
	return pairs, err
}

// plain is text/template with the same functions and nothing else.
func plain(b *testing.B, text string) (*template.Template, *funcs.Run) {
	run := funcs.NewRun(funcs.World{}, nil, nil)
	all := template.FuncMap{}
	for f := range funcs.All() {
		all[f.Name] = f.Code(run)
	}
	t, err := template.New("t").Funcs(all).Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	return t, run
}

func BenchmarkRender(b *testing.B) {
	for _, c := range []struct {
		name, text string
		servers    int
	}{{"nginx", nginx, 50}, {"nginx", nginx, 5000}, {"tight", tight, 5000}} {
		snapshot := kv.NewSnapshot(pairs(servers(c.servers)))
		scope := kv.NewScope("", []string{"/nginx"})
		b.Run(fmt.Sprintf("%s-%d/wconf", c.name, c.servers), func(b *testing.B) {
			t, err := gotmpl.Compile("t", c.text, gotmpl.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.Render(b.Context(), kv.NewView(snapshot, scope)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%s-%d/plain", c.name, c.servers), func(b *testing.B) {
			t, run := plain(b, c.text)
			size := 0
			b.ReportAllocs()
			for b.Loop() {
				run.Begin(b.Context(), plainKeys{kv.NewView(snapshot, scope)}, funcs.Limits{Fuel: math.MaxInt64, Bytes: math.MaxInt64, Output: math.MaxInt64})
				out := bytes.NewBuffer(make([]byte, 0, size))
				if err := t.Execute(out, nil); err != nil {
					b.Fatal(err)
				}
				size = out.Cap()
				run.End()
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gotmpl.Compile("t", nginx, gotmpl.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The first render of a template binds it.
func BenchmarkFirstRender(b *testing.B) {
	v := everything(servers(1))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		t, err := gotmpl.Compile("t", nginx, gotmpl.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := t.Render(b.Context(), v); err != nil {
			b.Fatal(err)
		}
	}
}
