package gotmpl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// patience is a context that ends after it was looked at so often.
type patience struct {
	context.Context
	looks int
}

func (p *patience) Err() error {
	if p.looks--; p.looks < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func (p *patience) Deadline() (time.Time, bool) { return time.Time{}, true }

func TestEndlessTemplatesEnd(t *testing.T) {
	nested := strings.Builder{}
	for i := range 41 {
		fmt.Fprintf(&nested, `{{define "t%d"}}{{template "t%d"}}{{template "t%d"}}{{end}}`, i, i+1, i+1)
	}
	nested.WriteString(`{{define "t41"}}{{end}}{{template "t0"}}`)
	levels := strings.Repeat("{{with 1}}", 200) + `{{template "r"}}` + strings.Repeat("{{end}}", 200)
	doubling := func(call string) string { return `{{$x := "<xxxxxxx"}}{{range 64}}{{$x = ` + call + `}}{{end}}` }
	november := small // when "11" as the layout of a date is "1111"
	november.Now = func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }
	for text, want := range map[string]error{
		`{{range 1000000000000}}{{end}}`:                        funcs.ErrFuel,
		`{{range 1000000000000}}{{continue}}{{end}}`:            funcs.ErrFuel,
		`{{range 1000000}}{{range 1000000}}{{end}}{{end}}`:      funcs.ErrFuel,
		`{{range 1000000000000}}{{if gets "/*"}}{{end}}{{end}}`: funcs.ErrFuel,
		nested.String(): funcs.ErrFuel,
		`{{define "r"}}{{template "r"}}{{end}}{{template "r"}}`:                       funcs.ErrNesting,
		`{{define "r"}}{{range 9}}{{template "r"}}{{end}}{{end}}{{template "r"}}`:     funcs.ErrNesting,
		`{{define "r"}}` + levels + `{{end}}{{template "r"}}`:                         funcs.ErrNesting,
		`{{range 1000000000000}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}`: funcs.ErrOutput,
		doubling(`printf "%s%s" $x $x`):                                               funcs.ErrBytes,
		doubling(`print $x $x`):                                                       funcs.ErrBytes,
		doubling(`println $x $x`):                                                     funcs.ErrBytes,
		doubling(`html (html $x) $x`):                                                 funcs.ErrBytes,
		doubling(`js $x $x`):                                                          funcs.ErrBytes,
		doubling(`urlquery $x $x`):                                                    funcs.ErrBytes,
		doubling(`join (split $x "") $x`):                                             funcs.ErrBytes,
		doubling(`repeat 2 $x`):                                                       funcs.ErrBytes,
		doubling(`replace $x "x" $x -1`):                                              funcs.ErrBytes,
		doubling(`regexReplaceAll "x" $x $x`):                                         funcs.ErrBytes,
		doubling(`regexReplaceAll "(x+)" $x "$1$1$1"`):                                funcs.ErrBytes,
		doubling(`toJson $x`):                                                         funcs.ErrBytes,
		doubling(`quote $x`):                                                          funcs.ErrBytes,
		doubling(`squote (squote $x | replace "x" "x" $x)`):                           nil, // refused otherwise
		doubling(`base64Encode (base64Encode $x)`):                                    funcs.ErrBytes,
		doubling(`nindent 100000 (print $x "\n")`):                                    funcs.ErrBytes,
		`{{$x := "11"}}{{range 64}}{{$x = (datetime).Format $x}}{{end}}`:              funcs.ErrBytes,
		`{{$x := "11"}}{{range 64}}{{$x = $x | (datetime).Format}}{{end}}`:            funcs.ErrBytes,
		`{{repeat 9223372036854775807 "ab"}}`:                                         funcs.ErrBytes,
		`{{indent 9223372036854775807 "a\nb"}}`:                                       funcs.ErrBytes,
		`{{seq 1 2000000000}}`:                                                        funcs.ErrBytes,
		`{{seq -9223372036854775808 9223372036854775807}}`:                            funcs.ErrBytes,
		`{{printf (repeat 100000 "%[1]1000000d") 5}}`:                                 funcs.ErrBytes,
		`{{printf (repeat 100000 "%[1]*[1]d") 1000000}}`:                              funcs.ErrBytes,
		`{{printf (repeat 1000 "%[1]# x") (repeat 1000000 "a")}}`:                     funcs.ErrBytes,
		`{{$x := list 1}}{{range 64}}{{$x = list $x $x}}{{end}}{{$x}}`:                funcs.ErrBytes,
		`{{$x := list 1}}{{range 64}}{{$x = append $x $x}}{{end}}{{$x}}`:              funcs.ErrBytes,
		`{{$x := dict}}{{range 64}}{{$x = dict "a" $x "b" $x}}{{end}}{{toJson $x}}`:   funcs.ErrBytes,
		`{{$x := dict}}{{range 64}}{{$x = values (dict "a" $x "b" $x)}}{{end}}`:       funcs.ErrBytes,
		`{{$x := list 1}}{{range 1000000}}{{$x = list $x}}{{end}}{{$x}}`:              funcs.ErrNesting,
		strings.Repeat("{{if 1}}", 100_000):                                           funcs.ErrNesting,
		"{{" + strings.Repeat("(", 100_000):                                           nil, // an action that does not end
		"{{" + strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000) + "}}":     funcs.ErrNesting,
		"{{if 0}}" + strings.Repeat("{{else if 0}}", 70_000) + "{{end}}":              funcs.ErrNesting,
		strings.Repeat("x", 1<<20+1):                                                  nil, // too large
	} {
		_, err := render(t, text, gotmpl.Options{MaxFuel: 200_000, MaxBytes: 8 << 20, MaxOutput: 4 << 20, World: november})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.200s\ngot  %v\nwant %v", text, err, want)
			continue
		}
		if p := asProblem(t, err); p.Line != 1 || want != nil && p.Msg != want.Error() {
			t.Errorf("%.200s: got %s: %s", text, p.Place(), p.Msg)
		}
	}
}

func TestLimitsNameTheirPlace(t *testing.T) {
	_, err := render(t, "a\nb {{range 10}}\n{{range 1000}}{{end}}{{end}}", gotmpl.Options{MaxFuel: 100})
	if p := asProblem(t, err); p.Place() != "templates/a.tmpl:3:9" || p.Hint != "it took more than 100 steps" {
		t.Errorf("got %s (%s)", p.Place(), p.Hint)
	}
}

// A template looks at its context at least every 64 steps, and a step is never
// longer than a part of its body.
func TestDeadline(t *testing.T) {
	for _, text := range []string{
		`{{range 1000000000}}{{end}}`,
		`{{range 1000000000}}` + strings.Repeat(`{{$}}`, 10_000) + `{{end}}`,
		`{{range 1000000000}}{{$x := regexMatch "a+b" "aaaaaaaaaaaa"}}{{end}}`,
		`{{$x := repeat 20000 "a"}}{{regexMatch "(a|aa|b)*c$" $x}}`,
		`{{$x := repeat 20000 "a"}}{{regexFind "(a|aa|b)*c$" $x}}`,
	} {
		tmpl, err := gotmpl.Compile("t", text, gotmpl.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tmpl.Render(&patience{t.Context(), 100}, everything(nil))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "template did not finish in time") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tmpl, err := gotmpl.Compile("t", "x", gotmpl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Render(ctx, everything(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// 50,000 keys render well within the defaults, in the ways that people write.
func TestManyKeysFit(t *testing.T) {
	keys := map[string]string{}
	for i := range 50_000 {
		keys[fmt.Sprintf("/svc/%03d/k%05d", i%100, i)] = fmt.Sprintf(`{"ip": "10.0.0.1", "port": %d, "tags": ["a", "b", "c"]}`, i)
	}
	v := kv.NewSnapshot(pairs(keys))
	for _, text := range []string{
		`{{range gets "/svc/*/*"}}{{.Key}}={{.Value}}{{"\n"}}{{end}}`,
		`{{range $s := lsdir "/svc"}}{{range ls (printf "/svc/%s" $s)}}{{getv (printf "/svc/%s/%s" $s .)}}{{end}}{{end}}`,
		`{{range gets "/svc/*/*"}}{{$d := json .Value}}server {{$d.ip}}:{{$d.port}} {{range $d.tags}}{{.}},{{end}};{{end}}`,
		`{{$all := list}}{{range gets "/svc/*/*"}}{{$all = append $all (dict "k" (base .Key) "v" .Value)}}{{end}}{{len $all}}{{len (toJson $all)}}`,
		`{{join (getvs "/svc/*/*") ","}}{{range reverse (sortKVByLength (gets "/svc/*/*"))}}{{.Key}}{{end}}`,
	} {
		tmpl, err := gotmpl.Compile("t", text, gotmpl.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := tmpl.Render(t.Context(), kv.NewView(v, kv.NewScope("", []string{"/"}))); err != nil || len(out) == 0 {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Ticks are invisible: they print nothing, and leave trimming, else branches
// and empty templates as they are.
func TestTicksAreInvisible(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		`{{define "x"}}y{{end}}`: "",
		`{{define "x"}}{{end}}[{{template "x"}}]`:                                                     "[]",
		`{{block "b" 1}}{{.}}{{end}}`:                                                                 "1",
		`{{range list}}x{{else}}none{{end}}`:                                                          "none",
		"a\n{{- range seq 1 3}}\n{{.}}{{break}}\n{{- end}}\nb":                                        "a\n1\nb",
		`{{range $i, $x := split "a,b,c" ","}}{{if eq $x "b"}}{{continue}}{{end}}{{$i}}{{$x}}{{end}}`: "0a2c",
		`{{range seq 1 2}}` + strings.Repeat(`{{print ""}}`, 500) + `.{{end}}`:                        "..",
	} {
		if got, err := render(t, text, gotmpl.Options{}); got != want {
			t.Errorf("%.80s: got %q, %v, want %q", text, got, err, want)
		}
	}
}
