package metadata

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// The shape of the YAML that gopkg.in/yaml.v2 of 2015 writes: two spaces for a
// level, none for a list below a key, and scalars folded after column 80.
const (
	yamlIndent = 2
	yamlWidth  = 80
)

// marshalYAML writes a tree as YAML, ready for a terminal.
func marshalYAML(value any) []byte {
	w := yamlWriter{indent: -1, whitespace: true, indention: true}
	w.node(value, false)
	w.line()
	return w.out
}

// yamlWriter follows libyaml's emitter, whose output it repeats.
type yamlWriter struct {
	out        []byte
	column     int
	indent     int  // -1 before the first level
	whitespace bool // the last thing written parts words
	indention  bool // nothing but indentation and `-`, `?`, `:` stand in this line
}

func (w *yamlWriter) node(value any, belowKey bool) {
	switch v := value.(type) {
	case map[string]any:
		w.mapping(v)
	case []any:
		w.sequence(v, belowKey)
	default:
		text, style := scalarStyle(value)
		w.scalar(text, style, true)
	}
}

func (w *yamlWriter) mapping(m map[string]any) {
	if len(m) == 0 {
		w.indicator("{", true, true, false)
		w.indicator("}", false, false, false)
		return
	}
	outer := w.deeper(false)
	for _, key := range slices.SortedFunc(maps.Keys(m), naturalOrder) {
		w.line()
		w.key(key)
		w.node(m[key], true)
	}
	w.indent = outer
}

// key writes a key and its colon; a long one, or one of several lines, stands
// behind a question mark.
func (w *yamlWriter) key(key string) {
	text, style := scalarStyle(key)
	if len(key) <= 128 && !strings.ContainsAny(key, "\n\r\u0085\u2028\u2029") {
		w.scalar(text, style, false)
		w.indicator(":", false, false, false)
		return
	}
	w.indicator("?", true, false, true)
	w.scalar(text, style, true)
	w.line()
	w.indicator(":", true, false, true)
}

func (w *yamlWriter) sequence(list []any, belowKey bool) {
	if len(list) == 0 {
		w.indicator("[", true, true, false)
		w.indicator("]", false, false, false)
		return
	}
	outer := w.indent
	if !belowKey || w.indention {
		w.deeper(false)
	}
	for _, e := range list {
		w.line()
		w.indicator("-", true, false, true)
		w.node(e, false)
	}
	w.indent = outer
}

func (w *yamlWriter) scalar(text string, style yamlStyle, fold bool) {
	outer := w.deeper(true)
	switch style {
	case plain:
		w.plain(text, fold)
	case singleQuoted:
		w.singleQuoted(text, fold)
	case doubleQuoted:
		w.doubleQuoted(text, fold)
	case literal:
		w.literal(text)
	}
	w.indent = outer
}

// deeper goes one level down and gives the level to come back to.
func (w *yamlWriter) deeper(scalar bool) (outer int) {
	outer = w.indent
	switch {
	case w.indent >= 0:
		w.indent += yamlIndent
	case scalar:
		w.indent = yamlIndent
	default:
		w.indent = 0
	}
	return outer
}

// line goes to the indentation, on a new line unless this one is still empty.
func (w *yamlWriter) line() {
	indent := max(w.indent, 0)
	if !w.indention || w.column > indent || w.column == indent && !w.whitespace {
		w.put('\n')
	}
	for w.column < indent {
		w.put(' ')
	}
	w.whitespace, w.indention = true, true
}

func (w *yamlWriter) put(r rune) {
	w.out = utf8.AppendRune(w.out, r)
	w.column++
	if r == '\n' {
		w.column = 0
	}
}

func (w *yamlWriter) puts(s string) {
	for _, r := range s {
		w.put(r)
	}
}

func (w *yamlWriter) indicator(s string, apart, whitespace, indention bool) {
	if apart && !w.whitespace {
		w.put(' ')
	}
	w.puts(s)
	w.whitespace = whitespace
	w.indention = w.indention && indention
}
