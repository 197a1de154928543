package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// Stdin is how a command finds the keys on its standard input.
type Stdin string

// The formats of a command's standard input.
const (
	Lines    Stdin = "lines"     // key TAB value LF, sorted; backslash, tab and line feed as \\ \t \n
	JSON     Stdin = "json"      // one flat object: {"/a/b": "value"}
	JSONTree Stdin = "json-tree" // nested objects: {"a": {"b": "value"}}; a directory's own value is under ""
)

func (s Stdin) check() error {
	known := []string{string(Lines), string(JSON), string(JSONTree)}
	if slices.Contains(known, string(s)) {
		return nil
	}
	return &problem.Problem{Code: problem.Config, Msg: fmt.Sprintf("stdin = %q is none of lines, json and json-tree", string(s)),
		Hint: problem.DidYouMean(string(s), known)}
}

// encode reads every key that the resource grants.
func (s Stdin) encode(v *kv.View) []byte {
	switch s {
	case JSON:
		flat := map[string]string{}
		for _, p := range everything(v) {
			flat[p.Key] = p.Value
		}
		return asJSON(flat)
	case JSONTree:
		return asJSON(tree(everything(v)))
	}
	return lines(everything(v))
}

func lines(pairs []kv.Pair) []byte {
	var b bytes.Buffer
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`)
	for _, p := range pairs {
		_, _ = escape.WriteString(&b, p.Key) // a Buffer takes everything
		b.WriteByte('\t')
		_, _ = escape.WriteString(&b, p.Value)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func asJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // maps of strings always encode
	return b.Bytes()
}

func tree(pairs []kv.Pair) map[string]any {
	root := map[string]any{}
	for _, p := range pairs {
		segments := strings.Split(strings.TrimPrefix(p.Key, "/"), "/")
		at := root
		for _, s := range segments[:len(segments)-1] {
			at = directory(at, s)
		}
		name := segments[len(segments)-1]
		if below, ok := at[name].(map[string]any); ok {
			below[""] = p.Value
		} else {
			at[name] = p.Value
		}
	}
	return root
}

// directory is the object below name; a value that was there moves into it.
func directory(at map[string]any, name string) map[string]any {
	switch below := at[name].(type) {
	case map[string]any:
		return below
	case string:
		at[name] = map[string]any{"": below}
	default:
		at[name] = map[string]any{}
	}
	return at[name].(map[string]any)
}

// everything is each pair that the view grants, in the order of the keys. It
// lists the whole tree, so that any key that comes or goes counts as read.
func everything(v *kv.View) []kv.Pair {
	var pairs []kv.Pair
	var walk func(dir string)
	walk = func(dir string) {
		below := v.ListDirs(dir)
		for _, name := range v.List(dir) {
			if value, ok := v.Get(dir + name); ok {
				pairs = append(pairs, kv.Pair{Key: dir + name, Value: value})
			}
			if _, ok := slices.BinarySearch(below, name); ok {
				walk(dir + name + "/")
			}
		}
	}
	walk("/")
	slices.SortFunc(pairs, func(a, b kv.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs
}
