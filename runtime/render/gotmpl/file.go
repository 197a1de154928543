package gotmpl

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"text/template/parse"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// file is a parsed template file with its ticks. It never changes.
type file struct {
	source
	trees    map[string]*parse.Tree // the file itself and its defines
	ticks    ticks
	called   map[string]struct{} // functions
	includes []string            // literal names
}

// parse reads one file; it is a *problem.Problem that it does not parse, or
// calls a guest's function with another number of arguments.
func (t *Template) parse(s source) (*file, error) {
	controls, err := s.scan()
	if err != nil {
		return nil, err
	}
	trees, err := s.trees(s.text, t.words)
	if err != nil {
		return nil, t.parseProblem(s, controls, err)
	}
	f := &file{source: s, trees: trees, called: map[string]struct{}{}}
	if err := t.checkCalls(f); err != nil {
		return nil, err
	}
	f.addTicks()
	return f, nil
}

// trees is what a text parses to, as text/template would read it. Its own
// Parse copies the names of all functions, which takes longer than a short
// template does.
func (s source) trees(text string, words vocabulary) (map[string]*parse.Tree, error) {
	return parse.Parse(s.name, text, "", "", words)
}

func (f *file) templateNames() []string { return slices.Sorted(maps.Keys(f.trees)) }

// vocabulary is every function that a template may call. The parser only looks
// at the names.
type vocabulary map[string]any

// golang are the functions that text/template itself has, and that package
// funcs does not replace (its documentation, "Functions").
var golang = []string{"and", "call", "eq", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or", "slice"}

// ordinary is the vocabulary of templates without options. All of them share it.
var ordinary = sync.OnceValue(func() vocabulary {
	words := vocabulary{}
	for _, name := range golang {
		words[name] = true
	}
	for f := range funcs.All() {
		if !f.Sealed {
			words[f.Name] = true
		}
	}
	return words
})

func (o Options) vocabulary() (vocabulary, error) {
	if o.Keyring == nil && len(o.Functions) == 0 && len(o.Withheld) == 0 {
		return ordinary(), nil
	}
	words := maps.Clone(ordinary())
	if o.Keyring != nil {
		for f := range funcs.All() {
			words[f.Name] = true
		}
	}
	for prefix, set := range o.Functions {
		for name := range set.Names() {
			full := prefix + "_" + name
			if !identifier(full) {
				return nil, &problem.Problem{
					Code: problem.Config, File: o.File, Msg: fmt.Sprintf("function %q cannot be called: its name is no identifier", full),
					Hint: "use letters, digits and underscores, and a letter first",
				}
			}
			words[full] = true
		}
	}
	for _, name := range o.Withheld {
		delete(words, name)
	}
	return words, nil
}

func identifier(name string) bool {
	for i, c := range name {
		letter := c == '_' && i > 0 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
