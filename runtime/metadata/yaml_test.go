package metadata

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/formats"
)

// The right side is what gopkg.in/yaml.v2 at 93a8632 writes.
func TestMarshalYAML(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("long word ", 15))
	for _, c := range []struct {
		value any
		want  string
	}{
		{"", `""`}, {"plain", "plain"}, {"yes", `"yes"`}, {"1e3", `"1e3"`}, {"1:30", `"1:30"`}, {"0x", "0x"}, {"<<", "<<"}, {"=", "="},
		{"it's", "it's"}, {"'q", "'''q'"}, {"a: b", "'a: b'"}, {"a:", "'a:'"}, {"a:b", "a:b"}, {":a", ":a"}, {": a", "': a'"},
		{"#c", "'#c'"}, {"a #c", "'a #c'"}, {"a#c", "a#c"}, {"-", "'-'"}, {"-x", "-x"}, {"- x", "'- x'"}, {"?", "'?'"}, {"---", "'---'"},
		{"...", "'...'"}, {" x", "' x'"}, {"x ", "'x '"}, {"{x", "'{x'"}, {"a,b", "a,b"}, {"\t", `"\t"`}, {"a\rb", `"a\rb"`},
		{"\x07\x7f\u0085", `"\a\x7F\N"`}, {"\u00a0é世", "\u00a0é世"}, {"😀", `"\U0001F600"`}, {"\u2028", `"\L"`}, {"\ufeff", `"\uFEFF"`}, {`a\"` + "\n ", `"a\\\"\n "`},
		{"a\nb", "|-\n  a\n  b"}, {"a\nb\n", "|\n  a\n  b"}, {"a\n\n", "|+\n  a\n"}, {"\n", "|2+\n"}, {"\na", "|2-\n\n  a"}, {" a\nb", "|2-\n   a\n  b"}, {"a \nb", `"a \nb"`},
		{nil, "null"}, {true, "true"}, {int64(-3), "-3"}, {uint64(math.MaxUint64), "18446744073709551615"},
		{1e21, "1e+21"}, {3.0, "3"}, {math.NaN(), ".nan"}, {math.Inf(1), ".inf"}, {math.Inf(-1), "-.inf"},
		{[]any{}, "[]"}, {[]any(nil), "[]"}, {map[string]any{}, "{}"}, {map[string]any(nil), "{}"},
		{[]any{[]any{"a", []any{}}, map[string]any{"k": "v", "l": []any{int64(1)}}}, "- - a\n  - []\n- k: v\n  l:\n  - 1"},
		{map[string]any{"": nil, "b": map[string]any{"c": "x\ny\n"}, "1": []any{"z"}}, "\"\": null\n\"1\":\n- z\nb:\n  c: |\n    x\n    y"},
		{map[string]any{"a\nb": "v", strings.Repeat("k", 129): []any{"x"}}, "? |-\n  a\n  b\n: v\n? " + strings.Repeat("k", 129) + "\n: - x"},
		{long, strings.Repeat("long word ", 8) + "long\n  word " + strings.TrimSpace(strings.Repeat("long word ", 6))},
		{map[string]any{"k": "'" + long}, "k: '''" + strings.Repeat("long word ", 7) + "long word\n  " + strings.TrimSpace(strings.Repeat("long word ", 7)) + "'"},
		{"\x01" + long, `"\x01` + strings.Repeat("long word ", 7) + "long word\n  " + strings.TrimSpace(strings.Repeat("long word ", 7)) + `"`},
	} {
		if got := string(marshalYAML(c.value)); got != c.want+"\n" {
			t.Errorf("%q:\n%q, want\n%q", c.value, got, c.want+"\n")
		}
	}
}

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "-", "0", "1", "01", "2", "10", "A", "a", "a-", "a1", "a2", "a10", "ab", "b"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, naturalOrder)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What is written as YAML reads as the same tree.
func FuzzYAML(f *testing.F) {
	for _, text := range []string{"", "yes", "a\n b\n", " x", "- x: [1, {k: ~}]", strings.Repeat("é ", 60) + "x", "\"\\x01 \\\"\"", "? |\n  a\n: b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := formats.Tree("", []byte(text), plainValue)
		if err != nil || len(text) > 1<<16 {
			value = text
		}
		if s, isText := value.(string); isText && strings.ToValidUTF8(s, "") != s {
			return
		}
		written := marshalYAML(value)
		read, err := formats.Tree("", written, plainValue)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", value, written, err)
		}
		if !reflect.DeepEqual(read, withoutNaN(value)) && !reflect.DeepEqual(withoutNaN(read), withoutNaN(value)) {
			t.Fatalf("%q is written as %q and read as %q", value, written, read)
		}
	})
}

// withoutNaN makes floats comparable: NaN is a word then, and floats that are
// whole are integers.
func withoutNaN(node any) any {
	switch n := node.(type) {
	case float64:
		return plainValue(strings.TrimPrefix(yamlFloat(n), "."))
	case []any:
		for i := range n {
			n[i] = withoutNaN(n[i])
		}
	case map[string]any:
		for key := range n {
			n[key] = withoutNaN(n[key])
		}
	}
	return node
}
