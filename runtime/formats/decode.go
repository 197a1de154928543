package formats

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/wconf/wconf/runtime/problem"
)

// Decode reads a TOML file of configuration into a struct, as BurntSushi/toml
// does: by the `toml` tags or the names of the fields, in any case of letters;
// a time.Duration is a string such as "1m30s". Values of the wrong type are
// errors, all of them with their place (errors.Join of *problem.Problem); keys
// without a field are left to the caller, see Unknown.
func Decode(file string, text []byte, into any) (*Doc, error) {
	d, err := Parse(file, text)
	if err != nil {
		return nil, err
	}
	m := matcher{doc: d}
	m.match(d.root, reflect.TypeOf(into), nil)
	d.unknown = m.unknown
	if len(m.wrong) > 0 {
		return d, errors.Join(m.wrong...)
	}
	if _, err := toml.Decode(d.text, into); err != nil {
		return d, d.setProblem(err)
	}
	return d, nil
}

// Unknown are the keys of a decoded file that no field takes, each with what
// it may have meant; of an unknown table only the table itself, and no more
// than a hundred.
func (d *Doc) Unknown() []*problem.Problem { return d.unknown }

// UnknownKey is the problem of a key that nothing takes; known are the names
// that would have been taken.
func (d *Doc) UnknownKey(known []string, path ...string) *problem.Problem {
	where := ""
	if len(path) > 1 {
		where = " in " + d.header(path[:len(path)-1])
	}
	name := path[len(path)-1]
	return d.Problem(problem.UnknownKey, fmt.Sprintf("unknown key %q%s", name, where), problem.DidYouMean(name, known), path...)
}

// setProblem gives a place to a value that has the right type and is refused
// all the same: out of range, not a duration, refused by UnmarshalText.
func (d *Doc) setProblem(err error) error {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return &problem.Problem{Code: problem.Config, File: d.File, Msg: strings.TrimPrefix(err.Error(), "toml: "), Err: err}
	}
	p := (&problem.Problem{Code: problem.Config, Msg: pe.Message, Err: err}).At(d.File, d.text, pe.Position.Start)
	p.Len = pe.Position.Len
	return p
}

// matcher compares a file with the type that it is to fill.
type matcher struct {
	doc     *Doc
	wrong   []error
	unknown []*problem.Problem
}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	tomlType     = reflect.TypeFor[toml.Unmarshaler]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (m *matcher) match(n *node, t reflect.Type, path []string) {
	for t.Kind() == reflect.Pointer && !implements(t) {
		t = t.Elem()
	}
	if t != timeType && implements(t) || t.Kind() == reflect.Interface {
		return
	}
	kind := m.doc.kindOf(n)
	if want := wanted(t); len(path) > 0 && want != "" && !fits(kind, want) {
		if len(m.wrong) < 100 {
			m.wrong = append(m.wrong, m.doc.Mismatch(want, path...))
		}
		return
	}
	for _, name := range n.names {
		m.matchChild(n.children[name], t, append(path[:len(path):len(path)], name))
	}
}

func (m *matcher) matchChild(n *node, t reflect.Type, path []string) {
	switch t.Kind() {
	case reflect.Struct:
		fields := map[string]reflect.Type{}
		names := fieldsOf(t, fields, nil)
		for _, name := range names {
			if strings.EqualFold(name, path[len(path)-1]) {
				m.match(n, fields[name], path)
				return
			}
		}
		if len(m.unknown) < 100 { // a file of nothing else is no reason to search for more
			m.unknown = append(m.unknown, m.doc.UnknownKey(names, path...))
		}
	case reflect.Map, reflect.Slice, reflect.Array:
		m.match(n, t.Elem(), path)
	}
}

func implements(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(textType) || p.Implements(textType) || t.Implements(tomlType) || p.Implements(tomlType)
}

// fieldsOf are the names that a struct takes, with the types of the fields.
func fieldsOf(t reflect.Type, into map[string]reflect.Type, names []string) []string {
	for f := range fields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case tag == "-", !f.IsExported() && !f.Anonymous:
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			names = fieldsOf(f.Type, into, names)
		default:
			if tag == "" {
				tag = f.Name
			}
			into[tag] = f.Type
			names = append(names, tag)
		}
	}
	return names
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// wanted says what a type takes, as Doc.Kind says what there is.
func wanted(t reflect.Type) string {
	switch {
	case t == timeType:
		return "a date or time"
	case t == durationType:
		return `a string such as "30s"`
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Float32, reflect.Float64:
		return "a float"
	case reflect.Struct, reflect.Map:
		return "a table"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 {
		return "an integer"
	}
	return ""
}

func fits(have, want string) bool {
	switch {
	case have == want:
		return true
	case want == "a float":
		return have == "an integer"
	case want == "a list":
		return have == "a list of tables"
	case strings.HasPrefix(want, "a string such"):
		return have == "a string"
	}
	return false
}
