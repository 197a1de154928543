package formats

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/wconf/wconf/runtime/problem"
)

// Doc is a TOML file of configuration whose keys and values know their place.
//
// A path names a key from the top: the names as the file writes them, and for
// an element of a list or of tables in a list its index, as "0".
type Doc struct {
	File  string
	Table map[string]any // as BurntSushi/toml decodes it

	text    string
	root    *node
	unknown []*problem.Problem
}

// Parse reads a TOML file of at most 256 KiB. The error is a *problem.Problem
// with code config and the place of the first mistake.
func Parse(file string, text []byte) (*Doc, error) {
	d := &Doc{File: file, text: strings.TrimPrefix(string(text), bom), root: &node{}}
	if p := tooLarge(problem.Config, "a configuration file", len(text), maxConfig); p != nil {
		p.File = file
		return nil, p
	}
	if p := readTOML(d.text, &d.Table, d.root); p != nil {
		p.File, p.Code = file, problem.Config
		return nil, p
	}
	return d, nil
}

// readTOML decodes text into a map after a scan for what the decoder could
// choke on. Where the scan stops before the end, only that much is decoded.
func readTOML(text string, into *map[string]any, root *node) *problem.Problem {
	end, limit := scan(text, root)
	if limit != nil {
		return limit
	}
	seen := text
	if end < len(text) {
		seen = text[:lineEnd(text, end)]
	}
	if _, err := toml.Decode(seen, into); err != nil {
		return tomlProblem(text, err)
	}
	if end < len(text) {
		return (&problem.Problem{Code: problem.Config, Msg: "this is not TOML"}).At("", text, end)
	}
	return nil
}

func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

func tomlProblem(text string, err error) *problem.Problem {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return &problem.Problem{Code: problem.Config, Msg: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	return (&problem.Problem{Code: problem.Config, Msg: pe.Message, Len: pe.Position.Len}).At("", text, pe.Position.Start)
}

func checkTOML(text string) *problem.Problem {
	if p := tooLarge(problem.FormatInvalid, "a TOML text", len(text), maxTOML); p != nil {
		return p
	}
	var table map[string]any
	return tomlData(readTOML(strings.TrimPrefix(text, bom), &table, nil))
}

// tomlData makes a problem of configuration one of data, which quotes nothing.
func tomlData(p *problem.Problem) *problem.Problem {
	if p != nil {
		p.Code, p.Source, p.Msg = problem.FormatInvalid, "", "not valid TOML: "+masked(p.Msg)
	}
	return p
}

func (d *Doc) find(path []string) *node {
	n := d.root
	for _, name := range path {
		n = n.child(name)
	}
	return n
}

// Has tells whether the file writes the path.
func (d *Doc) Has(path ...string) bool { return d.find(path) != nil }

// Names are the keys of the table or the indexes of the list at path, in the
// order of the file.
func (d *Doc) Names(path ...string) []string {
	if n := d.find(path); n != nil {
		return n.names
	}
	return nil
}

// kindOf names what the file has at a node, as a message says it.
func (d *Doc) kindOf(n *node) string {
	switch n.kind {
	case isTable:
		return "a table"
	case isTables:
		return "a list of tables"
	case isArray:
		return "a list"
	case isString:
		return "a string"
	}
	return wordKind(d.text[n.val.from:n.val.to])
}

func wordKind(word string) string {
	switch {
	case word == "true" || word == "false":
		return "a boolean"
	case len(word) > 4 && word[4] == '-', len(word) > 2 && word[2] == ':':
		return "a date or time"
	case strings.HasPrefix(word, "0x"):
		return "an integer"
	case strings.ContainsAny(word, ".eEn"):
		return "a float"
	}
	return "an integer"
}

// Kind names what the file has at path: "a string", "an integer", "a float",
// "a boolean", "a date or time", "a list", "a table", "a list of tables", or
// nothing.
func (d *Doc) Kind(path ...string) string {
	if n := d.find(path); n != nil {
		return d.kindOf(n)
	}
	return ""
}

// Mismatch says that the value at path is not what it must be: want is said as
// Kind says it.
func (d *Doc) Mismatch(want string, path ...string) *problem.Problem {
	msg := fmt.Sprintf("%s must be %s, not %s", d.subject(path), want, d.Kind(path...))
	return d.ValueProblem(problem.Config, msg, "", path...)
}

// subject is a key in quotes, or an element of a list with its list.
func (d *Doc) subject(path []string) string {
	last := len(path) - 1
	if n := d.find(path[:last]); last > 0 && n != nil && n.kind == isArray {
		i, _ := strconv.Atoi(path[last])
		return fmt.Sprintf("element %d of %q", i+1, path[last-1])
	}
	return strconv.Quote(path[last])
}

// header is the table at path as the file would head it: [a.b] or [[a]].
func (d *Doc) header(path []string) string {
	var names toml.Key
	n, list := d.root, false
	for _, name := range path {
		list = n != nil && n.kind == isTables
		if !list {
			names = append(names, name)
		}
		n = n.child(name)
	}
	if list {
		return "[[" + names.String() + "]]"
	}
	return "[" + names.String() + "]"
}

// Text is the text of the file, without a byte order mark.
func (d *Doc) Text() string { return d.text }
