package formats_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

const sample = `# a resource
top.dotted."quoted key" = 1
[template]
keys = [
  "/a", # first
  '/b',
]
params = { a = "x", deep = { b = 'y' } }
reload_when = "touched(\"/tls/*\") && every(\"5m\")"
guard = '''
len(new) > 0
  && true'''
[template.limits]
memory = 64
[[case]]
name = "one"
[case.expect]
n = 1
[[case]]
name = "two"
[case.expect]
n = 2
`

func parse(t *testing.T, text string) *formats.Doc {
	t.Helper()
	d, err := formats.Parse("f.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPositions(t *testing.T) {
	d := parse(t, sample)
	lines := strings.Split(sample, "\n")
	for _, c := range []struct{ path, key, value string }{
		{"top", "2:1 top", ""},
		{"top dotted", "2:5 dotted", ""},
		{"top dotted quoted key", `2:12 "quoted key"`, "2:27 1"},
		{"template", "3:2 template", ""},
		{"template keys", "4:1 keys", "4:8"},
		{"template keys 0", `5:3 "/a"`, "5:4 /a"},
		{"template keys 1", `6:3 '/b'`, "6:4 /b"},
		{"template params deep b", "8:30 b", "8:35 y"},
		{"template guard", "10:1 guard", "11:1"},
		{"template limits", "13:11 limits", ""},
		{"template limits memory", "14:1 memory", "14:10 64"},
		{"case 0 name", "16:1 name", "16:9 one"},
		{"case 1 name", "20:1 name", "20:9 two"},
		{"case 1 expect n", "22:1 n", "22:5 2"},
		{"nothing", "", ""},
	} {
		path := strings.Split(c.path, " ")
		if c.path == "top dotted quoted key" {
			path = []string{"top", "dotted", "quoted key"}
		}
		show := func(line, col, length int) string {
			if line == 0 {
				return ""
			}
			s := fmt.Sprintf("%d:%d", line, col)
			if end := col - 1 + length; end <= len(lines[line-1]) {
				s += " " + lines[line-1][col-1:end]
			}
			return s
		}
		if got := show(d.Position(path...)); got != c.key {
			t.Errorf("%s: key at %s, want %s", c.path, got, c.key)
		}
		if got := show(d.ValuePosition(path...)); got != c.value {
			t.Errorf("%s: value at %s, want %s", c.path, got, c.value)
		}
	}
}

// A mistake in an expression is shown in the file that holds it.
func TestInString(t *testing.T) {
	d := parse(t, sample+"[x]\ny = \"\"\"\na \\\n   b\"\"\"\n")
	when := d.Table["template"].(map[string]any)["reload_when"].(string)
	p := &problem.Problem{Msg: `unknown name "every"`, Len: 5}
	d.Inside("template", "reload_when")(p, strings.Index(when, "every"))
	want := `f.toml:9:39: unknown name "every"` + "\n" +
		`  9 | reload_when = "touched(\"/tls/*\") && every(\"5m\")"` + "\n" +
		`    |                                       ^^^^^`
	if got := p.Detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	guard := d.Table["template"].(map[string]any)["guard"].(string)
	p = &problem.Problem{Len: 4}
	if d.Inside("template", "guard")(p, strings.Index(guard, "true")); p.Line != 12 || p.Col != 6 || p.Len != 4 {
		t.Errorf("literal: %d:%d +%d", p.Line, p.Col, p.Len)
	}
	if d.Inside("x", "y")(p, strings.Index("a b", "b")); p.Line != 26 || p.Col != 4 {
		t.Errorf("line continued: %d:%d", p.Line, p.Col)
	}
}

type resource struct {
	Template struct {
		Src    string
		Keys   []string `toml:"keys"`
		UID    *int
		Wait   time.Duration `toml:"wait"`
		Params map[string]any
		Reload string `toml:"reload_cmd"`
	}
	Case []struct {
		Name string
		At   time.Time
	}
}

func TestDecode(t *testing.T) {
	var r resource
	d, err := formats.Decode("f.toml", []byte("\uFEFF[Template]\nSRC = 'a'\nkeys = ['/']\nuid = 0\nwait = '1m30s'\nparams = {a = {b = 1}}\n[[case]]\nname = 'x'\nat = 2026-01-02T03:04:05Z\n"), &r)
	if err != nil || len(d.Unknown()) > 0 {
		t.Fatal(err, d.Unknown())
	}
	if r.Template.Src != "a" || r.Template.Keys[0] != "/" || *r.Template.UID != 0 || r.Template.Wait != 90*time.Second || r.Case[0].At.Year() != 2026 {
		t.Errorf("%+v", r)
	}
}

// The texts that a user sees.
func TestDecodeProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "[template]\nsrc = 'a'\n\treload_comand = 'x'\n",
			"f.toml:3:2: unknown key \"reload_comand\" in [template]\n  3 | \treload_comand = 'x'\n    | \t^^^^^^^^^^^^^ did you mean \"reload_cmd\"?"},
		{"unknown table, once", "[tempalte]\nsrc = 'a'\n",
			"f.toml:1:2: unknown key \"tempalte\"\n  1 | [tempalte]\n    |  ^^^^^^^^ did you mean \"Template\"?"},
		{"in each table of a list", "[[case]]\nnam = 'x'\n[[case]]\nnam = 'y'\n",
			"f.toml:2:1: unknown key \"nam\" in [[case]]\n  2 | nam = 'x'\n    | ^^^ did you mean \"Name\"?\nf.toml:4:1: unknown key \"nam\" in [[case]]\n  4 | nam = 'y'\n    | ^^^ did you mean \"Name\"?"},
		{"wrong types, all of them", "[template]\nkeys = '/'\nuid = '0'\n[[case]]\nname = 1.5\n",
			"f.toml:2:8: \"keys\" must be a list, not a string\n  2 | keys = '/'\n    |        ^^^\nf.toml:3:7: \"uid\" must be an integer, not a string\n  3 | uid = '0'\n    |       ^^^\nf.toml:5:8: \"name\" must be a string, not a float\n  5 | name = 1.5\n    |        ^^^"},
		{"an element", "[template]\nkeys = [\n  '/a',\n  2,\n]\n",
			"f.toml:4:3: element 2 of \"keys\" must be a string, not an integer\n  4 |   2,\n    |   ^"},
		{"not a duration", "[template]\nwait = 'soon'\n",
			"f.toml:2:9: invalid duration: \"soon\"\n  2 | wait = 'soon'\n    |         ^^^^"},
		{"syntax", "[template\nsrc = 'a'\n",
			"f.toml:1:10: expected '.' or ']' to end table name, but got '\\n' instead\n  1 | [template\n    |          ^"},
		{"half a string", "a = 1\nb = \"x\n",
			"f.toml:2:7: strings cannot contain newlines\n  2 | b = \"x\n    |       ^"},
		{"twice", "a = 1\na = 2\n",
			"f.toml:2:1: Key 'a' has already been defined.\n  2 | a = 2\n    | ^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r resource
			d, err := formats.Decode("f.toml", []byte(c.text), &r)
			var all []*problem.Problem
			for _, e := range unjoin(err) {
				var p *problem.Problem
				if !errors.As(e, &p) {
					t.Fatalf("%v is no problem", e)
				}
				all = append(all, p)
			}
			if err == nil {
				all = d.Unknown()
			}
			var shown []string
			for _, p := range all {
				shown = append(shown, p.Detail())
			}
			got := strings.Join(shown, "\n")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Texts made to use up the stack, the memory or the time of a decoder are
// refused, or read, at once.
func TestBombs(t *testing.T) {
	r := strings.Repeat
	var long strings.Builder
	fmt.Fprintf(&long, "[%s]\n", r("k", 2000))
	for i := 0; long.Len() < 250<<10; i++ {
		fmt.Fprintf(&long, "a%d=1\n", i)
	}
	for _, c := range []struct{ name, text, want string }{
		{"large", r("#\n", 200<<10), "too large"},
		{"brackets", "a=" + r("[", 250<<10), "nested deeper"},
		{"braces", r("a={", 80<<10), "nested deeper"},
		{"header", r("[", 250<<10), "expected"},
		{"parts", r("a.", 4096) + "a=1", "more than 32 parts"},
		{"parts in tables", r(r("a.", 31)+"a={", 60) + r("}", 60), "longer than 2048 bytes"},
		{"long names above many", long.String(), "longer than 2048 bytes"},
		{"UTF-16", "\xff\xfea\x00", "UTF-16"},
		{"many", "a=[" + r("1,", 120<<10) + "]", ""},
	} {
		start := time.Now()
		_, err := formats.Parse("f", []byte(c.text))
		if err == nil != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if took := time.Since(start); took > 20*time.Second { // without limits it is minutes, or a crash
			t.Errorf("%s took %v", c.name, took)
		}
	}
	for _, text := range []string{r("[", 3<<20), r("{a: ", 1<<20), r("- ", 1<<20), r("? ", 1<<20), aliases()} {
		if pairs, err := formats.Flatten(formats.YAML, []byte(text)); err == nil {
			t.Errorf("%.20q gives %d keys", text, len(pairs))
		}
	}
	for _, text := range []string{r("[", 3<<20), r(`{"a":`, 1<<20)} {
		if _, err := formats.Flatten(formats.JSON, []byte(text)); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
}

func aliases() string {
	text := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		text += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	return text
}

// Whatever the decoder takes, the scan in front of it takes too, and every key
// of the result has a place in the text.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("a.b = {c = [1, {d = '''x'''}]}\n[[e]]\n[[e.f]]\ng = 2001-02-03 04:05:06\n")
	f.Add("\"a\\u0041\" = \"\"\"\\\n  x\"\"\"\"\r\n[ a . 'b' ] # c\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := formats.Parse("f", []byte(text))
		if err != nil {
			var any map[string]any
			if _, theirs := toml.Decode(text, &any); theirs == nil && !limited(err) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		var walk func(v any, path []string)
		walk = func(v any, path []string) {
			if len(path) > 0 {
				if line, col, _ := d.Position(path...); line < 1 || col < 1 {
					t.Fatalf("%q has no place", path)
				}
				d.ValuePosition(path...)
				_ = d.Mismatch("a flower", path...).Detail()
				p := &problem.Problem{Len: 2}
				d.Inside(path...)(p, 3)
				_ = p.Detail()
			}
			switch v := v.(type) {
			case map[string]any:
				for name, e := range v {
					walk(e, append(path[:len(path):len(path)], name))
				}
			case []any:
				for i, e := range v {
					walk(e, append(path[:len(path):len(path)], fmt.Sprint(i)))
				}
			case []map[string]any:
				for i, e := range v {
					walk(e, append(path[:len(path):len(path)], fmt.Sprint(i)))
				}
			}
		}
		walk(d.Table, nil)
	})
}

func limited(err error) bool {
	for _, limit := range []string{"too large", "nested deeper", "parts", "longer than"} {
		if strings.Contains(err.Error(), limit) {
			return true
		}
	}
	return false
}
