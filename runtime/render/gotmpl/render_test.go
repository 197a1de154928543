package gotmpl_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// Renders at once never see each other's keys, and leave nothing behind.
func TestRendersAtOnce(t *testing.T) {
	tmpl, err := gotmpl.Compile("t", `{{range gets "/who/*"}}{{.Value}}{{end}}{{include "part"}}{{net_f (getv "/who/a")}}{{if exists "/fail"}}{{div 1 0}}{{end}}`,
		gotmpl.Options{ReadFile: files(map[string]string{"part": `<{{getv "/who/a"}}>`}), Functions: guests(&sharedGuest)})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for who := range 8 {
		all.Go(func() {
			keys := map[string]string{"/who/a": fmt.Sprint("a", who)}
			want := fmt.Sprintf("a%d<a%d>f(a%d)", who, who, who)
			if who%4 == 0 {
				keys["/fail"] = ""
				want = ""
			}
			for range 200 {
				if out, err := tmpl.Render(t.Context(), everything(keys)); string(out) != want || (err == nil) == (want == "") {
					t.Errorf("got %q, %v, want %q", out, err, want)
					return
				}
			}
		})
	}
	all.Wait()
}

var sharedGuest silentGuest

// The bytes of a render stay the caller's.
func TestOutputIsNotReused(t *testing.T) {
	tmpl, err := gotmpl.Compile("t", `{{getv "/v"}}`, gotmpl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := tmpl.Render(t.Context(), everything(map[string]string{"/v": "first"}))
	if _, err := tmpl.Render(t.Context(), everything(map[string]string{"/v": "other"})); err != nil || string(first) != "first" {
		t.Errorf("got %q, %v", first, err)
	}
}

func TestNumbersOfJSON(t *testing.T) {
	doc := `{"n": 5432, "big": 12345678, "neg": -3, "half": 1.50, "exp": 1e3, "wide": 9007199254740993, "nat": 18446744073709551615, "huge": 123456789012345678901234567890, "tiny": 1e-7}`
	for text, want := range map[string]string{
		`{{$d.n}} {{$d.big}} {{$d.neg}} {{$d.half}} {{$d.exp}} {{$d.tiny}}`:                          "5432 12345678 -3 1.5 1000 1e-07",
		`{{$d.wide}} {{$d.nat}} {{$d.huge}}`:                                                         "9007199254740993 18446744073709551615 123456789012345678901234567890",
		`{{print $d.big}} {{printf "%v|%s|%d|%6d|%.0f|%.2f" $d.big $d.big $d.big $d.n $d.big $d.n}}`: "12345678 12345678|12345678|12345678|  5432|12345678|5432.00",
		`{{printf "%.0f %d %v" $d.wide $d.wide $d.nat}}`:                                             "9007199254740993 9007199254740993 18446744073709551615",
		`{{toJson $d}}`: `{"big":12345678,"exp":1000,"half":1.5,"huge":123456789012345678901234567890,"n":5432,"nat":18446744073709551615,"neg":-3,"tiny":1e-7,"wide":9007199254740993}`,
		`{{add $d.n 1}} {{mul $d.big 2}} {{div $d.neg 2}} {{seq $d.neg -1}} {{add $d.wide 1}}`: "5433 24691356 -1 [-3 -2 -1] 9007199254740994",
		`{{lt $d.half 2.0}} {{eq $d.exp 1000.0}} {{gt $d.wide 5}} {{if $d.n}}yes{{end}}`:       "true true true yes",
		`{{list $d.n $d.half "x" $d.big}} {{$d.n | printf "%04d"}} {{printf "%s" $d.half}}`:    "[5432 1.5 x 12345678] 5432 1.5",
	} {
		got, err := render(t, "{{$d := json `"+doc+"`}}"+text, gotmpl.Options{})
		if got != want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", text, got, err, want)
		}
	}
	if _, err := render(t, "{{add (json `{\"x\": 1.5}`).x 1}}", gotmpl.Options{}); err == nil {
		t.Error("1.5 is accepted as a whole number")
	}
}

// Functions leave their arguments alone.
func TestFunctionsArePure(t *testing.T) {
	for text, want := range map[string]string{
		`{{$a := split "b,a,c" ","}}{{$b := reverse $a}}{{$c := sortByLength $a}}{{$a}}{{$b}}`:                                               "[b a c][c a b]",
		`{{$a := gets "/app/*"}}{{$b := reverse (sortKVByLength $a)}}{{(index $a 0).Key}} {{(index (gets "/app/*") 0).Key}}`:                 "/app/json /app/json",
		`{{$a := list 1}}{{$b := append $a 2}}{{$c := append $b 3}}{{$d := append $b 4}}{{$e := append $d 5}}{{$a}}{{$b}}{{$c}}{{$d}}{{$e}}`: "[1][1 2][1 2 3][1 2 4][1 2 4 5]",
		`{{$v := getvs "/app/*"}}{{$w := reverse $v}}{{index (getvs "/app/*") 0}}`:                                                           "4",
	} {
		if got, err := render(t, text, gotmpl.Options{}); got != want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", text, got, err, want)
		}
	}
}

func TestFork(t *testing.T) {
	for text, want := range map[string]string{
		`{{snakecase "HTTPServerName"}} {{snakecase "already_snake"}} {{snakecase " a-B_c "}}[{{snakecase "__"}}]`: "http_server_name already_snake a_b_c[]",
		`{{camelcase "http_server-name"}} {{camelcase "MyHTTPServer"}} {{kebabcase "éÉa ß"}}`:                      "httpServerName myHttpServer é-éa-ß",
		`{{snakecase "a1B2"}} {{snakecase "ABC"}} {{snakecase "aB"}} {{snakecase "\xffA"}}`:                        "a1_b2 abc a_b \ufffd_a",
		`{{coalesce}} {{coalesce "" nil 0}}`:                                                   "<no value> <no value>",
		`{{default "d" false}} {{default "d" list}} {{default "d" " "}}`:                       "d d  ",
		`{{empty (datetime)}} {{empty 0.0}} {{empty dict}}`:                                    "false true true",
		`{{ternary 1 2 true}} {{toJson "<&>"}} {{toJson nil}}`:                                 `1 "\u003c\u0026\u003e" null`,
		`{{repeat -1 "a"}}[{{repeat 0 "a"}}] {{indent -3 "a\nb"}}`:                             "[] a\nb",
		`{{hasKey (json "{\"a\":null}") "a"}} {{keys (dict)}} {{values (dict)}} {{pluck "x"}}`: "true [] [] []",
		`{{fromJson "[1]"}} {{fromJson "\"s\""}} {{fromJson "3"}}`:                             "[1] s 3",
		`{{toPrettyJson (list 1 (dict "a" "b"))}}`:                                             "[\n  1,\n  {\n    \"a\": \"b\"\n  }\n]",
		`{{trimPrefix "aab" "a"}} {{nospace "a\u00a0b\n"}}`:                                    "ab ab",
	} {
		if got, err := render(t, text, gotmpl.Options{World: small}); got != want {
			t.Errorf("%s\ngot  %q, %v\nwant %q", text, got, err, want)
		}
	}
}

func TestPrefix(t *testing.T) {
	tmpl, err := gotmpl.Compile("t", `{{getv "/name"}} {{ls "/"}} {{range gets "/*/*"}}{{.Key}}{{end}}`, gotmpl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := tmpl.Render(t.Context(), scoped(shop, "/app", "/")); string(out) != "shop [db json name worker] /db/host" {
		t.Errorf("got %s, %v", out, err)
	}
	_, err = tmpl.Render(t.Context(), scoped(shop, "/other", "/"))
	if p := asProblem(t, err); p.Msg != "key does not exist: /name (prefix /other)" {
		t.Errorf("got %s", p.Msg)
	}
}

// Data is never a template.
func TestValuesAreNotTemplates(t *testing.T) {
	v := everything(map[string]string{"/v": `{{getv "/secret"}}`})
	tmpl, err := gotmpl.Compile("t", `{{getv "/v"}}{{printf (getv "/v")}}`, gotmpl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := tmpl.Render(t.Context(), v); string(out) != `{{getv "/secret"}}{{getv "/secret"}}` {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestReference(t *testing.T) {
	doc := funcs.Reference()
	for _, name := range funcs.Names() {
		if !strings.Contains(doc, "\n### "+name+"\n") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, want := range []string{"/app/name = \"shop\"\n{{with get \"/app/name\"}}", "→ true false\n", "error: key does not exist: /app/nmae\n", "looks at more than keys"} {
		if !strings.Contains(doc, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

// A second render binds nothing anew: its allocations are the template's own.
// (The race detector makes a pool lose one copy in four.)
func TestRenderBindsNothing(t *testing.T) {
	var all strings.Builder
	for f := range funcs.All() {
		if !f.Sealed {
			fmt.Fprintf(&all, "{{if false}}{{%s}}{{end}}", f.Name)
		}
	}
	tmpl, err := gotmpl.Compile("t", all.String(), gotmpl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := kv.NewView(nil, kv.NewScope("", nil))
	n := testing.AllocsPerRun(400, func() {
		if _, err := tmpl.Render(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	})
	if n > 60 {
		t.Errorf("%v allocations", n)
	}
}
