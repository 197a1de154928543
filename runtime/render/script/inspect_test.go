package script_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/render/script"
)

// Nothing runs, and what becomes the file is known all the same.
func TestInspect(t *testing.T) {
	for text, want := range map[string]string{
		`function render() { return "" }`: "render",
		`const render = () => getv("/a")`: "render",
		"throw 1;\nvar render":            "render",
		`{ let render } "x"`:              "last expression",
		`"function render() {}"`:          "last expression",
		"#!/usr/bin/env wconf\n`x`":       "last expression",
		`let x = ;`:                       "",
		"while (true) {}":                 "last expression",
		`import "x"`:                      "",
		`x.getv(1); mygetv(2); ls ("/a"); /* fail() */ write(3)`: "last expression",
		`const filter = () => input()`:                           "filter",
		`function check() {} function filter() {}`:               "filter",
		`function check() {}`:                                    "check",
	} {
		i, err := script.Inspect(t.Context(), module(t), []byte(text), "site.js")
		if i.Gives != want || i.Compiles != (want != "") || (err == nil) != i.Compiles {
			t.Errorf("%s: %q, %v, %v", text, i.Gives, i.Compiles, err)
		}
		if i.Size != len(text) || i.Limits.Fuel == 0 || len(i.Engine.Measures) == 0 {
			t.Errorf("%s: %+v", text, i)
		}
		if strings.Contains(text, "mygetv") && !slices.Equal(i.Names, []string{"ls", "fail"}) {
			t.Errorf("names %q", i.Names)
		}
	}
	i, _ := script.Inspect(t.Context(), module(t), nil, "site.js")
	about, err := os.ReadFile("quickjs/VERSION")
	if err != nil || !strings.Contains(string(about), i.Version) {
		t.Errorf("%s is not in quickjs/VERSION, %v", i.Version, err)
	}
}
