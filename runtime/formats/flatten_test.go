package formats_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// flat is what Flatten gives, one key=value per line.
func flat(t *testing.T, format, text string) string {
	t.Helper()
	pairs, err := formats.Flatten(format, []byte(text))
	if err != nil {
		t.Fatalf("Flatten(%s, %q): %v", format, text, err)
	}
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s=%s ", p.Key, p.Value)
	}
	return strings.TrimSuffix(b.String(), " ")
}

func TestFlattenYAML(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"only a comment", "# nothing\n", ""},
		{"null", "~\n", ""},
		{"levels and lists", "web: {port: 80, hosts: [a, {name: b}, [c]]}", "/web/hosts/0=a /web/hosts/1/name=b /web/hosts/2/0=c /web/port=80"},
		{"slashes make levels", "\"a/b\": 1\n\"/c\": 2\n\"d/\": 3\n\"e//f\": 4\n", "/a/b=1 /c=2 /d=3 /e/f=4"},
		{"an empty name is dropped", "a: {\"\": 1}\n\"\": 2\n", "/a=1"},
		{"dots are names", "a: {..: 1, .: 2}", "/a/.=2 /a/..=1"},
		{"null and empty containers leave nothing", "a: 1\nb: null\nc: ~\nd:\ne: {}\nf: []\n", "/a=1"},
		{"empty text is a value", "a: ''\n", "/a="},
		{"the last duplicate stands, whole", "a: {x: 1}\na: {y: 2}\n", "/a/y=2"},
		{"only the first document", "a: 1\n---\nb: 2\n", "/a=1"},
		{"booleans", "a: true\nb: True\nc: FALSE\nd: tRue\n", "/a=true /b=true /c=false /d=tRue"},
		{"yes and no as written", "a: yes\nb: No\nc: on\nd: OFF\ne: y\n", "/a=yes /b=No /c=on /d=OFF /e=y"},
		{"integers", "a: 0644\nb: 0x1F\nc: 1_000\nd: 0b101\ne: -7\nf: +7\ng: 08\n", "/a=420 /b=31 /c=1000 /d=5 /e=-7 /f=7 /g=8"},
		{"integers beyond int64", "a: 18446744073709551615\nb: 123456789012345678901234567890\n", "/a=18446744073709551615 /b=123456789012345678901234567890"},
		{"floats", "a: 1.50\nb: .5\nc: 1.5e+3\nd: 1e3\ne: 1.5e3\nf: 1e-7\ng: -.inf\nh: .nan\n", "/a=1.5 /b=0.5 /c=1500 /d=1e3 /e=1.5e3 /f=0.0000001 /g=-Inf /h=NaN"},
		{"dates and times", "a: 2001-02-03\nb: 2001-02-03 04:05:06\nc: 12:30\n", "/a=2001-02-03 /b=2001-02-03 04:05:06 /c=12:30"},
		{"quoted is text", "a: '0644'\nb: \"null\"\nc: |-\n  1.50\n", "/a=0644 /b=null /c=1.50"},
		{"tags", "a: !!str 0644\nb: !!int '0x1F'\nc: !!binary aGk=\nd: !mine 1.50\n", "/a=0644 /b=31 /c=hi /d=1.50"},
		{"keys as written", "1: a\n0x1F: b\nyes: c\n1.50: d\n2001-02-03: e\n~: f\n", "/0x1F=b /1=a /1.50=d /2001-02-03=e /yes=c /~=f"},
		{"aliases and merges", "a: &x {p: 1, q: 2}\nb: {<<: *x, p: 3}\nc: *x\nd: {p: 4, <<: [*x, {p: 8, r: 9}]}\n", "/a/p=1 /a/q=2 /b/p=3 /b/q=2 /c/p=1 /c/q=2 /d/p=4 /d/q=2 /d/r=9"},
		{"JSON", `{"svc": {"web": {"port": 80, "tls": false}, "list": [1, "2"]}}`, "/svc/list/0=1 /svc/list/1=2 /svc/web/port=80 /svc/web/tls=false"},
		{"byte order mark", "\uFEFFa: 1\n", "/a=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := flat(t, formats.YAML, c.text); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFlattenJSON(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "{}", ""},
		{"null", "null", ""},
		{"values", `{"a": 1.50, "b": [true, null, {}, []], "c/d": "x", "e": "", "f": {"g": "\ud83d\ude00"}}`, "/a=1.5 /b/0=true /c/d=x /e= /f/g=😀"},
		{"numbers", `{"a": 12345678, "b": 9007199254740993, "c": 18446744073709551616, "d": 1e3, "e": 1E+3, "f": -0.0}`, "/a=12345678 /b=9007199254740993 /c=18446744073709551616 /d=1e3 /e=1000 /f=-0"},
		{"the last duplicate stands", `{"a": 1, "a": 2}`, "/a=2"},
		{"what only YAML reads", "{\"a\": 1, # why\n \"b\": yes,}", "/a=1 /b=yes"},
		{"byte order mark", "\uFEFF{\"a\": 1}", "/a=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := flat(t, formats.JSON, c.text); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFlattenTOML(t *testing.T) {
	text := "a = 0x1F\nb = 1.50\nc.d = 'x'\ndate = 2001-02-03\ntime = 2001-02-03 04:05:06.10\nlist = [1, [true], {e = inf}]\n" +
		"[web]\n\"x/y\" = \"\"\nnone = []\n[[web.host]]\nname = 'a'\n[[web.host]]\nname = 'b'\n"
	want := "/a=31 /b=1.5 /c/d=x /date=2001-02-03 /list/0=1 /list/1/0=true /list/2/e=+Inf /time=2001-02-03 04:05:06.10 /web/host/0/name=a /web/host/1/name=b /web/x/y="
	if got := flat(t, formats.TOML, text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What cannot be read is refused with its line, and never quoted: it may be a
// secret.
func TestFlattenRefuses(t *testing.T) {
	for _, c := range []struct{ format, text, want string }{
		{formats.YAML, "a: [", "yaml: line 1: did not find expected node content"},
		{formats.YAML, "- hunter2\n", "the top level must be a mapping of keys to values"},
		{formats.YAML, "hunter2\n", "the top level must be a mapping of keys to values"},
		{formats.YAML, "a: *hunter2\n", "yaml: unknown anchor … referenced"},
		{formats.YAML, "a: 1\n? [hunter2]\n: 1\n", "line 2: a mapping or a list cannot be a key"},
		{formats.YAML, "a: {<<: hunter2}\n", "`<<` takes a mapping or a list of mappings"},
		{formats.YAML, "a: &a [*a]\n", "nested deeper than 1000 levels, or an alias contains itself"},
		{formats.JSON, "{\"a\": \"hunter2\" \"hunter3\"}", "1:17: not valid JSON: invalid character … after object key:value pair"},
		{formats.JSON, "[\"hunter2\"]", "the top level must be a mapping of keys to values"},
		{formats.TOML, "a = 1\nb = hunter2\n", "2:5: not valid TOML: expected value but found … instead"},
		{formats.XML, "<a/>", `keys cannot be read from the format "xml"`},
	} {
		_, err := formats.Flatten(c.format, []byte(c.text))
		if err == nil {
			t.Errorf("%q is taken", c.text)
			continue
		}
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.FormatInvalid || p.Source != "" {
			t.Errorf("%q: %#v", c.text, err)
			continue
		}
		p.File = ""
		got := p.Error()
		if p.Col > 0 {
			got = fmt.Sprintf("%d:%d: %s", p.Line, p.Col, got)
		}
		if got != c.want {
			t.Errorf("%q\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func FuzzFlatten(f *testing.F) {
	for _, format := range []string{formats.JSON, formats.YAML, formats.TOML} {
		f.Add(format, "{\"a\": [1.5, {\"b\": null}]}")
		f.Add(format, "a: &x {b: 1e3}\nc: {<<: [*x], d/e: [~, 0x1F]}\n")
		f.Add(format, "[[a.b]]\nc = [1, {d = 2001-02-03}]\n\"e/f\" = '''\nx'''\n")
	}
	f.Fuzz(func(t *testing.T, format, text string) {
		pairs, err := formats.Flatten(format, []byte(text))
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(pairs, func(a, b formats.Pair) int { return strings.Compare(a.Key, b.Key) }) {
			t.Error("not sorted")
		}
		for i, p := range pairs {
			if !strings.HasPrefix(p.Key, "/") || strings.Contains(p.Key, "//") || strings.HasSuffix(p.Key, "/") {
				t.Errorf("key %q", p.Key)
			}
			if i > 0 && pairs[i-1].Key == p.Key {
				t.Errorf("key %q twice", p.Key)
			}
		}
	})
}

// FuzzFlattenJSON compares the walk over a valid text with the tokens that
// encoding/json reads.
func FuzzFlattenJSON(f *testing.F) {
	for _, text := range []string{
		"{}", "null", " { } ", "[]", `{"a":1,"a":{"b":-0.5e+7}}`, "{\"\\u0061/b\" : [ [ ], { } , true\t,false , null, \"\" ]\r\n}", `{"":{"":""}}`,
		`{"a":"\\","b":"\"}","c":"\ud800","d":"{[,:]}"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			return
		}
		pairs, err := formats.Flatten(formats.JSON, []byte(text))
		if err != nil {
			return // a limit, or no object
		}
		want := map[string]string{}
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		byToken(t, dec, "", want)
		got := map[string]string{}
		for _, p := range pairs {
			got[p.Key] = p.Value
		}
		delete(want, "")
		if !maps.Equal(got, want) {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
	})
}

func byToken(t *testing.T, dec *json.Decoder, at string, into map[string]string) {
	token, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case json.Delim:
		for i := 0; dec.More(); i++ {
			name := strconv.Itoa(i)
			if v == '{' {
				key, err := dec.Token()
				if err != nil {
					t.Fatal(err)
				}
				name = key.(string)
			}
			below := at
			for segment := range strings.SplitSeq(name, "/") {
				if segment != "" {
					below += "/" + segment
				}
			}
			byToken(t, dec, below, into)
		}
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
	case string:
		into[at] = v
	case bool:
		into[at] = strconv.FormatBool(v)
	case json.Number: // numbers are written by the same rule in YAML
		number, err := formats.Flatten(formats.YAML, []byte("a: "+v.String()))
		if err != nil || len(number) != 1 {
			t.Fatalf("the number %s: %v, %v", v, number, err)
		}
		into[at] = number[0].Value
	}
}
