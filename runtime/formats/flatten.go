package formats

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// Pair is one key of a flattened document.
type Pair struct{ Key, Value string }

var errNotMapping = errors.New("the top level must be a mapping of keys to values")

// Flatten turns a JSON, YAML or TOML document into keys, sorted, each one
// once, as confd's file backend does: names and list indexes are joined with
// slashes, a slash in a name makes levels, empty segments are dropped, null
// and empty containers leave no key, and of equal keys the last one stands.
// `.` and `..` stay segments of their own. Only the first document of a YAML
// text counts. A JSON text that only YAML can read (comments, a comma too
// many) is read as YAML, since that is what confd reads. See scalar for what
// becomes of numbers.
//
// The error is a *problem.Problem with code format-invalid; it quotes nothing
// of the text.
func Flatten(format string, text []byte) ([]Pair, error) {
	f := &flattener{}
	data := string(text)
	var err error
	switch canonical(format) {
	case JSON:
		if p := checkJSON(strings.TrimPrefix(data, bom)); p == nil {
			err = f.flattenJSON(strings.TrimPrefix(data, bom))
		} else if len(data) > maxYAML || f.flattenYAML(data) != nil {
			err = p
		}
	case YAML:
		if p := tooLarge(problem.FormatInvalid, "a YAML text", len(data), maxYAML); p != nil {
			return nil, p
		}
		err = f.flattenYAML(data)
	case TOML:
		err = f.flattenTOML(data)
	default:
		err = fmt.Errorf("keys cannot be read from the format %q", format)
	}
	if err != nil {
		return nil, dataProblem(err)
	}
	return f.pairs(), nil
}

func dataProblem(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p
	}
	return &problem.Problem{Code: problem.FormatInvalid, Msg: err.Error()}
}

// bom is the byte order mark that some editors put before UTF-8.
const bom = "\uFEFF"

// flattener gathers the keys of one document within limits: aliases and long
// names above many leaves make a small text into a large tree.
type flattener struct {
	found   []Pair // in the order of the document
	depth   int
	aliased int // aliases that the current value stands behind
	again   int // values looked at through aliases
	bytes   int
}

const (
	maxDepth = 1000
	maxAgain = 1 << 20
	maxBytes = 128 << 20
)

// enter is called for each value before it is looked at.
func (f *flattener) enter(at string) error {
	f.depth++
	f.bytes += len(at)
	if f.aliased > 0 {
		f.again++
	}
	switch {
	case f.depth > maxDepth:
		return fmt.Errorf("nested deeper than %d levels, or an alias contains itself", maxDepth)
	case f.again > maxAgain:
		return fmt.Errorf("aliases repeat more than %d values", maxAgain)
	case f.bytes > maxBytes:
		return fmt.Errorf("keys and values take more than %d bytes", maxBytes)
	}
	return nil
}

func (f *flattener) leave() { f.depth-- }

func (f *flattener) put(key, value string) error {
	f.bytes += len(value)
	if key != "" {
		f.found = append(f.found, Pair{key, value})
	}
	return nil
}

// pairs sorts by key; of equal keys the last one found stays.
func (f *flattener) pairs() []Pair {
	slices.SortStableFunc(f.found, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	kept := f.found[:0]
	for i, p := range f.found {
		if i+1 == len(f.found) || f.found[i+1].Key != p.Key {
			kept = append(kept, p)
		}
	}
	return kept
}

// join appends the segments of name to a path, without the empty ones.
func join(at, name string) string {
	if name != "" && !strings.Contains(name, "/") {
		return at + "/" + name
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment != "" {
			at += "/" + segment
		}
	}
	return at
}
