package gotmpl

import (
	"slices"
	"testing"
	"text/template"

	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// What is said to be text/template's own is, and package funcs has none of it:
// the template would call that one then.
func TestFunctionsOfGo(t *testing.T) {
	for _, name := range golang {
		if _, err := template.New("").Parse("{{" + name + "}}"); err != nil {
			t.Error(err)
		}
		for f := range funcs.All() {
			if f.Name == name {
				t.Errorf("package funcs replaces %s", name)
			}
		}
	}
	for _, name := range []string{"print", "printf", "println", "html", "js", "urlquery"} {
		if ordinary()[name] == nil || slices.Contains(golang, name) {
			t.Errorf("%s is not replaced: it allocates without a budget", name)
		}
	}
}
