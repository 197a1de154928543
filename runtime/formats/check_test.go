package formats_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

func TestCheckTakes(t *testing.T) {
	for _, c := range []struct{ format, text string }{
		{"json", `{"a": [1, 2]}`},
		{"json", ` "text" ` + "\n"},
		{"yaml", "a: 1\nb: [x]\n---\nc: 2\n"},
		{"yml", ""},
		{"yaml", "a: &x {p: 1}\nb: {<<: *x, p: 2}\n"},
		{"toml", "[a]\nb = 1\n"},
		{"toml", ""},
		{"xml", "<?xml version=\"1.0\"?>\n<!-- c -->\n<a b=\"c\">x<d/></a>\n"},
		{"xml", "\uFEFF<a/>"},
		{"xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>"},
	} {
		if err := formats.Check(c.format, []byte(c.text)); err != nil {
			t.Errorf("%s %q: %v", c.format, c.text, err)
		}
	}
}

// A problem with a rendered file has a place and no word of the file.
func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		format, text string
		line, col    int
		msg          string
	}{
		{"json", "{\n \"a\": hunter2\n}", 2, 7, "not valid JSON: invalid character … looking for beginning of value"},
		{"json", "{\"a\": 1", 1, 8, "not valid JSON: unexpected end of JSON input"},
		{"json", "", 1, 1, "not valid JSON: unexpected end of JSON input"},
		{"json", "{} x", 1, 4, "not valid JSON: invalid character … after top-level value"},
		{"json", "\"a\xff\"", 1, 3, "not valid JSON: the text is not UTF-8"},
		{"yaml", "a: 1\nb: [hunter2\n", 1, 0, "yaml: line 1: did not find expected …"},
		{"yaml", "a: 1\n---\nb: 1\nb: hunter2\n", 4, 1, "not valid YAML: a key stands twice in one mapping"},
		{"toml", "a = 1\nb = hunter2\n", 2, 5, "not valid TOML: expected value but found … instead"},
		{"toml", "it's = 1\nit's = 2\n", 1, 3, "not valid TOML: expected … instead"},
		{"toml", "a = 99999999999999999999\n", 1, 5, "not valid TOML: a number is out of range for int64"},
		{"xml", "<a>\n <b>hunter2</c></a>", 2, 16, "not valid XML: element …"},
		{"xml", "<a>&hunter2;</a>", 1, 13, "not valid XML: invalid character entity …"},
		{"xml", "<hunter2\xff>", 1, 10, "not valid XML: invalid XML name"},
		{"xml", "<a/>\n<b/>", 2, 1, "not valid XML: a second root element"},
		{"xml", "<a/>hunter2", 1, 5, "not valid XML: text outside of the root element"},
		{"xml", "\n", 2, 1, "not valid XML: no element"},
		{"xml", "<a>", 1, 4, "not valid XML: unexpected EOF"},
		{"ini", "", 0, 0, `unknown format "ini"`},
	} {
		var p *problem.Problem
		if err := formats.Check(c.format, []byte(c.text)); !errors.As(err, &p) {
			t.Errorf("%s %q: %v", c.format, c.text, err)
			continue
		}
		if p.Code != problem.FormatInvalid || p.Line != c.line || p.Col != c.col || p.Msg != c.msg || p.Source != "" {
			t.Errorf("%s %q\ngot  %d:%d %s (%s)\nwant %d:%d %s", c.format, c.text, p.Line, p.Col, p.Msg, p.Code, c.line, c.col, c.msg)
		}
	}
}

// No text makes a parser panic, and none of it reaches the message.
func FuzzCheck(f *testing.F) {
	for _, format := range formats.Names() {
		f.Add(format, "{\"a\": [1]}")
		f.Add(format, "a: [1\n")
		f.Add(format, "[a]\nb = ''' '''\n")
		f.Add(format, "<a b='c'>&amp;</a>")
	}
	f.Fuzz(func(t *testing.T, format, text string) {
		const secret = "hunter2hunter3"
		for _, s := range []string{text, strings.ReplaceAll(text, "1", secret)} {
			if err := formats.Check(format, []byte(s)); err != nil && formats.Known(format) && strings.Contains(err.Error(), "hunter2") && !strings.Contains(text, "hunter2") {
				t.Errorf("%v quotes the text", err)
			}
		}
	})
}
