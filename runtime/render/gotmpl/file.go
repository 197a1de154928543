package gotmpl

import (
	"fmt"
	"maps"
	"slices"
	"sync"
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
	parent, err := t.vocabulary.parent.Clone()
	if err != nil {
		return nil, err
	}
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

// vocabulary is every function that a template may call. The parser only looks
// at the names.
type vocabulary struct {
	names  template.FuncMap
	parent *template.Template // an empty one that knows them
}

func newVocabulary(names template.FuncMap) vocabulary {
	return vocabulary{names, template.New("").Funcs(names)}
}

// ordinary is the vocabulary of templates without options: most share it, for
// making one takes longer than parsing a short template.
var ordinary = sync.OnceValue(func() vocabulary {
	names := template.FuncMap{}
	for f := range funcs.All() {
		if !f.Sealed {
			names[f.Name] = fmt.Sprint
		}
	}
	return newVocabulary(names)
})

func (o Options) vocabulary() (vocabulary, error) {
	if o.Keyring == nil && len(o.Functions) == 0 && len(o.Withheld) == 0 {
		return ordinary(), nil
	}
	names := maps.Clone(ordinary().names)
	if o.Keyring != nil {
		for f := range funcs.All() {
			names[f.Name] = fmt.Sprint
		}
	}
	for prefix, set := range o.Functions {
		for name := range set.Names() {
			full := prefix + "_" + name
			if !identifier(full) {
				return vocabulary{}, &problem.Problem{
					Code: problem.Config, File: o.File, Msg: fmt.Sprintf("function %q cannot be called: its name is no identifier", full),
					Hint: "use letters, digits and underscores, and a letter first",
				}
			}
			names[full] = fmt.Sprint
		}
	}
	for _, name := range o.Withheld {
		delete(names, name)
	}
	return newVocabulary(names), nil
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
