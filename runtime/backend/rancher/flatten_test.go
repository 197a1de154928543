package rancher

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

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

		`{"a":{"x":1},"b":2,"a":{"y":3}}`:                        `/p/b=2 /p/a/y=3`,
		`{"a":{"x":1},"b":2,"a":4,"b":[],"a":5}`:                 `/p/a=5`,
		`{"l":[{"name":"n","v":1},3],"l":[2]}`:                   `/p/l/0=2`,
		`{"b":{"x":[{"v":1}],"x":{}},"a":1,"b":{"x":[{"v":2}]}}`: `/p/a=1 /p/b/x/0/v=2`,
		`[{"name":"a","v":1,"name":5}]`:                          `/p/0/v=1 /p/0/name=5`,
		`[{"name":"a","name":["b"],"v":1}]`:                      `/p/0/name/0=b /p/0/v=1`,
		`[{"v":{"w":1},"name":"a","v":2,"name":"b"}]`:            `/p/b/v=2 /p/b/name=b`,

		`[0,-7,42,9007199254740993,12345678901234567890,-0]`: `/p/0=0 /p/1=-7 /p/2=42 /p/3=9007199254740993 /p/4=12345678901234567890 /p/5=-0`,
		`[2.5,3.0,1e21,1E-7,1e400,-2.50]`:                    `/p/0=2.5 /p/1=3 /p/2=1000000000000000000000 /p/3=0.0000001 /p/4=1e400 /p/5=-2.5`,
		`"h\u00e9 \u003c&\u003e"`:                            `/p=hé\x20<&>`,
	} {
		pairs, merged, err := flattened(document+"\n", true)
		if err != nil || len(merged) > 0 {
			t.Errorf("%s: %v, %v", document, merged, err)
		}
		if got := words(pairs); got != want {
			t.Errorf("%s:\n got %s\nwant %s", document, got, want)
		}
	}
}

// flattened is a document without one before it, below /p.
func flattened(document string, nullAsText bool) (pairs []kv.Pair, merged []string, err error) {
	d, _, err := flatten(strings.NewReader(document), "/p", nullAsText, nil)
	if err != nil {
		return nil, nil, err
	}
	return d.pairs(), d.merged, nil
}

func words(pairs []kv.Pair) string {
	var all []string
	for _, p := range pairs {
		all = append(all, p.Key+"="+strings.ReplaceAll(p.Value, " ", `\x20`))
	}
	return strings.Join(all, " ")
}

func TestFlattenNullAsNothing(t *testing.T) {
	pairs, _, err := flattened(`{"n":null,"l":[null,1]}`, false)
	if got := words(pairs); err != nil || got != "/p/l/1=1" {
		t.Errorf("got %s, %v", got, err)
	}
}

// Many members, in no order, each of which comes three times.
func TestMembersThatComeAgain(t *testing.T) {
	var document, want []string
	for round := range 3 {
		for i := range 1000 {
			name := fmt.Sprint("m", i*7%1000)
			document = append(document, fmt.Sprintf(`"%s":{"r%d":%d}`, name, round, i))
			if round == 2 {
				want = append(want, fmt.Sprintf("/p/%s/r2=%d", name, i))
			}
		}
	}
	pairs, _, err := flattened("{"+strings.Join(document, ",")+"}", true)
	if got := words(pairs); err != nil || got != strings.Join(want, " ") {
		t.Errorf("%d pairs, %v: %.200s", len(pairs), err, got)
	}
}

func TestEqualNamesMerge(t *testing.T) {
	pairs, merged, err := flattened(`{"s":[{"name":"a","v":1,"first":1},{"name":"b"},{"name":"a","v":3}]}`, true)
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
		pairs, _, err := flattened(document, true)
		switch {
		case err == nil:
			t.Errorf("%.40q: read as %v", document, pairs)
		case want != nil && !errors.Is(err, want):
			t.Errorf("%.40q: %v, want %v", document, err, want)
		case strings.Contains(err.Error(), "SECRET"), strings.Contains(err.Error(), "'S'"):
			t.Errorf("%.40q: the error quotes the answer: %v", document, err)
		}
	}
	if _, _, err := flattened(`[{"name":"a"},{"b":SECRET}]`, true); err == nil || !strings.HasSuffix(err.Error(), "at byte 19") {
		t.Errorf("the place is not told: %v", err)
	}
	fits := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	if _, _, err := flattened(fits, true); err != nil {
		t.Errorf("%d levels: %v", maxDepth, err)
	}
	for _, document := range []string{
		`{"code":404,"message":"m","type":"other"}`,
		`{"code":404,"message":"m","type":"error","more":1}`,
		`{"code":1,"type":"error"}`,
	} {
		if _, _, err := flattened(document, true); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
}
