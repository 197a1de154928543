// Package funcs is the functions of Go templates: confd's, the living fork's,
// and those of text/template that can build text without end, bounded.
//
// Each function is one value: its name, what it does, and examples that a test
// executes and the reference prints. A function reads keys only through Keys
// and the machine only through World, pays for what it builds out of a Budget,
// never changes its arguments, and never puts an argument into an error.
package funcs

import (
	"iter"
	"slices"
)

// Function is one function of Go templates.
type Function struct {
	Name   string
	Family string
	Usage  string // the call, with the arguments' names
	Doc    string // one paragraph, Markdown
	Since  string // the program that had it first

	// World tells that the result depends on something that is no key: the
	// clock, the environment, files, the network. Such a function says so with
	// Keys.NoteWorld.
	World bool
	// Sealed tells that the function exists only with a Keyring.
	Sealed bool

	// Code is the Go function, bound to the execution that r stands for; it
	// must not use r before it is called.
	Code     func(r *Run) any
	Examples []Example
}

// Example is a template and what it renders from Keys. An example with an
// Error shows a call that fails with these words.
type Example struct {
	Keys     map[string]string
	Files    map[string]string // for include
	Template string
	Output   string
	Error    string
}

const (
	confd = "confd 0.16"
	fork  = "abtreece/confd 0.41"
	golib = "Go's text/template"
)

// All yields every function, family by family.
func All() iter.Seq[Function] {
	return func(yield func(Function) bool) {
		for _, family := range families {
			for _, f := range family.functions {
				f.Family = family.name
				if !yield(f) {
					return
				}
			}
		}
	}
}

// Names is the names of all functions, in order.
func Names() []string {
	var names []string
	for f := range All() {
		names = append(names, f.Name)
	}
	return slices.Sorted(slices.Values(names))
}

type family struct {
	name, about string
	functions   []Function
}

var families = []family{
	{"Keys", "They read the keys that the resource's `keys` name. Key names are exact: nothing is cleaned, so `app`, `/app/` and `//app` never match `/app`.", keys},
	{"Encrypted keys", "They exist only when a keyring is given (`-secret-keyring`): values are base64 of PGP of gzip of the plain text.", sealed},
	{"Text", "They work on strings. Lengths are counted in bytes, letters are Unicode.", text},
	{"Regular expressions", "The syntax is Go's [RE2](https://pkg.go.dev/regexp/syntax).", expressions},
	{"Printing", "Go's own functions, with a bound on what they may build.", printing},
	{"Paths", "They work on slash-separated paths, such as key names.", paths},
	{"Lists and maps", "Every function here returns a new list or map and leaves its arguments as they were.", collections},
	{"Numbers", "Whole numbers. The value of a key is text: turn it into a number with `atoi`.", numbers},
	{"JSON and base64", "A number in JSON prints as an integer when it was written as one, and arithmetic accepts it.", encodings},
	{"Choices", "Values that stand in for others. Empty are: false, 0, nil, the empty string, and a list or map without elements.", choices},
	{"Machine and network", "They look at something that is no key, so the resource is rendered again at each interval, too.", machine},
	{"Templates", "Templates made of several files.", templates},
}

// always is the code of a function that needs no execution.
func always(f any) func(*Run) any { return func(*Run) any { return f } }
