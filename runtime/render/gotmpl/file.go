package gotmpl

import (
	"fmt"
	"maps"
	"slices"
	"text/template"
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

// parse reads one file; it is a *problem.Problem that it does not parse.
func (t *Template) parse(s source) (*file, error) {
	controls, err := s.scan()
	if err != nil {
		return nil, err
	}
	// Templates of an empty parent: a text that fails leaves nothing behind.
	parent := template.New("").Funcs(t.names)
	parsed, err := parent.New(s.name).Parse(s.text)
	if err != nil {
		return nil, t.parseProblem(s, controls, parent, err)
	}
	f := &file{source: s, trees: map[string]*parse.Tree{}, called: map[string]struct{}{}}
	for _, x := range parsed.Templates() {
		f.trees[x.Name()] = x.Tree
	}
	f.addTicks()
	return f, nil
}

func (f *file) templateNames() []string { return slices.Sorted(maps.Keys(f.trees)) }

// functionNames is every function that a template may call. The parser only
// looks at the names.
func (t *Template) functionNames() (template.FuncMap, error) {
	names := template.FuncMap{}
	for f := range funcs.All() {
		if !f.Sealed || t.opts.Keyring != nil {
			names[f.Name] = fmt.Sprint
		}
	}
	for prefix, set := range t.opts.Functions {
		for name := range set.Names() {
			full := prefix + "_" + name
			if !identifier(full) {
				return nil, &problem.Problem{
					Code: problem.Config, File: t.opts.File, Msg: fmt.Sprintf("function %q cannot be called: its name is no identifier", full),
					Hint: "use letters, digits and underscores, and a letter first",
				}
			}
			names[full] = fmt.Sprint
		}
	}
	for _, name := range t.opts.Withheld {
		delete(names, name)
	}
	return names, nil
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
