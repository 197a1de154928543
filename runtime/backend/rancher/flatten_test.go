package rancher

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/kv"
)

// What confd makes of these documents, but for what its compatibility page
// names: digits are kept, a name that is no text is no name.
func TestFlatten(t *testing.T) {
	for document, want := range map[string]string{
		`{}`:                     ``,
		`[]`:                     ``,
		`"text"`:                 `/p=text`,
		`7`:                      `/p=7`,
		`{"a":{"b":"1"},"c":""}`: `/p/a/b=1 /p/c=`,
		`{"t":true,"f":false}`:   `/p/t=true /p/f=false`,
		`{"n":null,"l":[null]}`:  `/p/n=null /p/l/0=null`,
		`{"e":{},"l":[[],{}]}`:   ``,
		`["a","b",["c",["d"]]]`:  `/p/0=a /p/1=b /p/2/0=c /p/2/1/0=d`,

		`[{"name":"web","ip":"1"},{"ip":"2"},{"uuid":"u","ip":"3"}]`:     `/p/web/name=web /p/web/ip=1 /p/1/ip=2 /p/2/uuid=u /p/2/ip=3`,
		`[{"ip":{"v4":"1"},"name":"late"}]`:                              `/p/late/ip/v4=1 /p/late/name=late`,
		`[{"name":"","v":1},{"name":5,"v":2},{"name":null,"v":3}]`:       `/p/0/name= /p/0/v=1 /p/1/name=5 /p/1/v=2 /p/2/name=null /p/2/v=3`,
		`[{"name":{"a":1},"v":2},{"name":["x"]}]`:                        `/p/0/name/a=1 /p/0/v=2 /p/1/name/0=x`,
		`[{"name":"a/b","v":1}]`:                                         `/p/a/b/name=a/b /p/a/b/v=1`,
		`{"services":[{"name":"s","containers":[{"name":"c","ip":1}]}]}`: `/p/services/s/name=s /p/services/s/containers/c/name=c /p/services/s/containers/c/ip=1`,
		`{"name":"not a list","v":1}`:                                    `/p/name=not\x20a\x20list /p/v=1`,
		`{"labels":{"com.example/path":"x","dot.ted":"y"}}`:              `/p/labels/com.example/path=x /p/labels/dot.ted=y`,
		`{"trail/":"t","":"e"}`:                                          `/p/trail/=t /p/=e`,

		`[0,-7,42,9007199254740993,12345678901234567890,-0]`: `/p/0=0 /p/1=-7 /p/2=42 /p/3=9007199254740993 /p/4=12345678901234567890 /p/5=-0`,
		`[2.5,3.0,1e21,1E-7,1e400,-2.50]`:                    `/p/0=2.5 /p/1=3 /p/2=1000000000000000000000 /p/3=0.0000001 /p/4=1e400 /p/5=-2.5`,
		`"h\u00e9 \u003c&\u003e"`:                            `/p=hé\x20<&>`,
	} {
		pairs, merged, err := flatten(strings.NewReader(document+"\n"), "/p", true)
		if err != nil || len(merged) > 0 {
			t.Errorf("%s: %v, %v", document, merged, err)
		}
		if got := words(pairs); got != want {
			t.Errorf("%s:\n got %s\nwant %s", document, got, want)
		}
	}
}

func words(pairs []kv.Pair) string {
	var all []string
	for _, p := range pairs {
		all = append(all, p.Key+"="+strings.ReplaceAll(p.Value, " ", `\x20`))
	}
	return strings.Join(all, " ")
}

func TestFlattenNullAsNothing(t *testing.T) {
	pairs, _, err := flatten(strings.NewReader(`{"n":null,"l":[null,1]}`), "/p", false)
	if got := words(pairs); err != nil || got != "/p/l/1=1" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestEqualNamesMerge(t *testing.T) {
	pairs, merged, err := flatten(strings.NewReader(`{"s":[{"name":"a","v":1,"first":1},{"name":"b"},{"name":"a","v":3}]}`), "/p", true)
	if err != nil || !slices.Equal(merged, []string{"/p/s"}) {
		t.Errorf("merged %q, %v", merged, err)
	}
	s := kv.NewSnapshot(pairs)
	if v, _ := s.Get("/p/s/a/v"); v != "3" {
		t.Errorf("v is %s, want that of the last", v)
	}
	if _, ok := s.Get("/p/s/a/first"); !ok {
		t.Error("what only the first has is gone")
	}
}

func TestBadDocuments(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	for document, want := range map[string]error{
		deep:                           errTooDeep,
		strings.Repeat("[", 1_000_000): errTooDeep,
		`{"a":1} {"b":2}`:              errTrailing,
		`1 2`:                          errTrailing,
		`{"code":404,"message":"Not found","type":"error"}`: errFailure,
		``:                    io.ErrUnexpectedEOF,
		`{"a":`:               io.ErrUnexpectedEOF,
		`{"a":{"b":1`:         io.ErrUnexpectedEOF,
		`[1,`:                 io.ErrUnexpectedEOF,
		`<html>SECRET</html>`: nil,
		`{"a":SECRET}`:        nil,
		`{"a":1}SECRET`:       nil,
		`{"a":1]`:             nil,
		`{1:2}`:               nil,
		`[1 2]`:               nil,
		`not found`:           nil,
	} {
		pairs, _, err := flatten(strings.NewReader(document), "/p", true)
		switch {
		case err == nil:
			t.Errorf("%.40q: read as %v", document, pairs)
		case want != nil && !errors.Is(err, want):
			t.Errorf("%.40q: %v, want %v", document, err, want)
		case strings.Contains(err.Error(), "SECRET"), strings.Contains(err.Error(), "'S'"):
			t.Errorf("%.40q: the error quotes the answer: %v", document, err)
		}
	}
	fits := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	if _, _, err := flatten(strings.NewReader(fits), "/p", true); err != nil {
		t.Errorf("%d levels: %v", maxDepth, err)
	}
	for _, document := range []string{
		`{"code":404,"message":"m","type":"other"}`,
		`{"code":404,"message":"m","type":"error","more":1}`,
		`{"code":1,"type":"error"}`,
	} {
		if _, _, err := flatten(strings.NewReader(document), "/p", true); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// Whatever the server sends: JSON is read, else there is an error; each leaf is
// one pair at or below the path.
func FuzzFlatten(f *testing.F) {
	for _, s := range []string{`{"a":[{"name":"x","v":[1,null]}]}`, `"x"`, `[[{"name":""}]]`, `{"a":1}{`, `[1e9,"\ud800"]`, "{\"a\":\"\xff\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, document string) {
		pairs, _, err := flatten(strings.NewReader(document), "/p", true)
		valid := json.Valid([]byte(document))
		if err == nil != valid && !errors.Is(err, errTooDeep) && !errors.Is(err, errFailure) {
			t.Fatalf("valid: %v, but %v", valid, err)
		}
		if err != nil {
			return
		}
		var v any
		if json.Unmarshal([]byte(document), &v) == nil && len(pairs) < leaves(v) {
			t.Errorf("%d pairs for at least %d leaves", len(pairs), leaves(v))
		}
		for _, p := range pairs {
			if p.Key != "/p" && !strings.HasPrefix(p.Key, "/p/") || !utf8.ValidString(p.Key+p.Value) {
				t.Errorf("pair %q", p)
			}
		}
	})
}

func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += leaves(e)
		}
	case []any:
		for _, e := range v {
			n += leaves(e)
		}
	default:
		return 1
	}
	return n
}
