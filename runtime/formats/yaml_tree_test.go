package formats_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// marked is a meaning of plain scalars that shows where it was asked.
func marked(text string) any {
	switch text {
	case "nothing":
		return nil
	case "one":
		return int64(1)
	}
	return "plain " + text
}

func TestTree(t *testing.T) {
	type m = map[string]any
	for text, want := range map[string]any{
		"":                                   nil,
		"a: x\nb: 'x'\nc: |\n  x\n":          m{"a": "plain x", "b": "x", "c": "x\n"},
		"[one, nothing, !!str one]":          []any{int64(1), nil, "one"},
		"a: 1\na: 2\n":                       m{"a": "plain 2"},
		"1: a\n~: b\ntrue: c\n":              m{"1": "plain a", "~": "plain b", "true": "plain c"},
		"a: &x {k: v}\nb: *x\n":              m{"a": m{"k": "plain v"}, "b": m{"k": "plain v"}},
		"a: &x {k: v, l: w}\n<<: *x\nk: z\n": m{"a": m{"k": "plain v", "l": "plain w"}, "k": "plain z", "l": "plain w"},
		"<<: [{k: 1}, {k: 2, l: 3}]\n":       m{"k": "plain 1", "l": "plain 3"},
		"!!int one":                          int64(1),
		"!!binary aGk=":                      "hi",
	} {
		if got, err := formats.Tree("f", []byte(text), marked); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %#v (%v), want %#v", text, got, err, want)
		}
	}
}

func TestTreeShares(t *testing.T) {
	tree, err := formats.Tree("f", []byte("a: &x {k: v}\nb: *x\n"), marked)
	if err != nil {
		t.Fatal(err)
	}
	root := tree.(map[string]any)
	if reflect.ValueOf(root["a"]).Pointer() != reflect.ValueOf(root["b"]).Pointer() {
		t.Error("an alias is a copy of what its anchor names")
	}
}

// A refusal has a place and no word of the file but the names of anchors.
func TestTreeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\n---\nb: 2\n":                   "f: the file must be a single YAML document",
		"a: &x\n  b: *x\n":                    `f:1:4: anchor "x" contains itself`,
		"a: hunter2\n{hunter2: 1}: 2\n":       "f:2:1: a key must be a scalar",
		"a: !!int hunter2":                    "f:1:4: the value does not fit its tag !!int",
		"<<: hunter2":                         "f:1:5: only maps can be merged",
		"!!binary hunter2":                    "f:1:1: a binary value must be the base64 of UTF-8 text",
		"a: [hunter2":                         "f:1: did not find expected ',' or ']'",
		"a: *hunter":                          "f: unknown anchor 'hunter' referenced",
		strings.Repeat("[", 20_000):           "f: exceeded max depth of 10000",
		backwards(20_000):                     "nested more than 10000 levels deep",
		"a: &x {" + manyKeys(4000) + merged(): "too many keys are merged",
	} {
		_, err := formats.Tree("f", []byte(text), marked)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.Config || !strings.Contains(p.Error(), want) || strings.Contains(p.Error(), "hunter2") {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

// backwards is a map that merges its last member first, which merges the one
// before it, and so on.
func backwards(n int) string {
	var b strings.Builder
	b.WriteString("k0: &a0 {}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "k%d: &a%d {<<: *a%d}\n", i, i, i-1)
	}
	fmt.Fprintf(&b, "<<: *a%d\n", n-1)
	return b.String()
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: v, ", i)
	}
	return b.String() + "}\n"
}

func merged() string { return "b: {<<: [" + strings.Repeat("*x, ", 1000) + "]}\n" }
