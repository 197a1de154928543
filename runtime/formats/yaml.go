package formats

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/wconf/wconf/runtime/problem"
)

// checkYAML reads every document of the text and refuses a key that stands
// twice in one mapping, as the YAML specification does.
func checkYAML(text string) *problem.Problem {
	if p := tooLarge(problem.FormatInvalid, "a YAML text", len(text), maxYAML); p != nil {
		return p
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return yamlProblem(err)
		}
		if p := duplicates(&doc, text); p != nil {
			return p
		}
	}
}

// yamlProblem keeps the words of the parser, which begin "yaml: line 3: " when
// it knows the line.
func yamlProblem(err error) *problem.Problem {
	p := &problem.Problem{Code: problem.FormatInvalid, Msg: masked(err.Error())}
	if m := yamlLine().FindStringSubmatch(p.Msg); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
	}
	return p
}

var yamlLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: line (\d+):`) })

// duplicates finds a key that stands twice. It does not follow aliases: what
// they point to is looked at where it stands. The parser bounds the depth.
func duplicates(n *yaml.Node, text string) *problem.Problem {
	if n.Kind == yaml.MappingNode {
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
				continue
			}
			id := k.Tag + " " + k.Value
			if seen[id] {
				return &problem.Problem{
					Code: problem.FormatInvalid, Line: k.Line, Col: k.Column,
					Msg: "not valid YAML: a key stands twice in one mapping",
				}
			}
			seen[id] = true
		}
	}
	for _, c := range n.Content {
		if p := duplicates(c, text); p != nil {
			return p
		}
	}
	return nil
}

// flattenYAML walks the first document of the text, as confd does.
func (f *flattener) flattenYAML(text string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return yamlProblem(err)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 {
		return nil
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil
	}
	if top.Kind != yaml.MappingNode {
		return errNotMapping
	}
	return f.yamlMapping(top, "")
}

func (f *flattener) yamlNode(n *yaml.Node, at string) error {
	if err := f.enter(at); err != nil {
		return err
	}
	defer f.leave()
	switch n.Kind {
	case yaml.AliasNode:
		f.aliased++
		defer func() { f.aliased-- }()
		return f.yamlNode(n.Alias, at)
	case yaml.MappingNode:
		return f.yamlMapping(n, at)
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if err := f.yamlNode(c, join(at, strconv.Itoa(i))); err != nil {
				return err
			}
		}
	case yaml.ScalarNode:
		if text, ok := yamlScalar(n); ok {
			return f.put(at, text)
		}
	}
	return nil
}

// yamlMapping writes merged mappings (`<<`) first, so that the mapping's own
// keys stand. Of equal keys the last one counts, whole.
func (f *flattener) yamlMapping(n *yaml.Node, at string) error {
	entries, err := f.entries(n)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := f.yamlNode(e.value, join(at, e.key)); err != nil {
			return err
		}
	}
	return nil
}

type yamlEntry struct {
	key   string
	value *yaml.Node
}

// entries are the keys of a mapping that count, in the order of the file.
// Keys are the text of the scalar as written; a mapping or a list is no key, as
// in confd.
func (f *flattener) entries(n *yaml.Node) ([]yamlEntry, error) {
	if f.aliased > 0 {
		f.again += len(n.Content) / 2 // merged again and again, a mapping costs each time
	}
	all := make([]yamlEntry, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			merged, err := f.merged(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			all = append(all, merged...)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a mapping or a list cannot be a key", n.Content[i].Line)
		}
		if !isMerge(k) {
			all = append(all, yamlEntry{k.Value, n.Content[i+1]})
		}
	}
	last := make(map[string]int, len(all))
	for i, e := range all {
		last[e.key] = i
	}
	kept := all[:0]
	for i, e := range all {
		if last[e.key] == i {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

func isMerge(k *yaml.Node) bool { return k.Kind == yaml.ScalarNode && k.Tag == "!!merge" }

// merged are the entries of a mapping, or of a list of mappings of which the
// earlier ones stand, that `<<` names.
func (f *flattener) merged(v *yaml.Node) ([]yamlEntry, error) {
	if err := f.enter(""); err != nil {
		return nil, err
	}
	defer f.leave()
	switch v.Kind {
	case yaml.AliasNode:
		f.aliased++
		defer func() { f.aliased-- }()
		return f.merged(v.Alias)
	case yaml.MappingNode:
		return f.entries(v)
	case yaml.SequenceNode:
		var all []yamlEntry
		for i := len(v.Content) - 1; i >= 0; i-- {
			entries, err := f.merged(v.Content[i])
			if err != nil {
				return nil, err
			}
			all = append(all, entries...)
		}
		return all, nil
	}
	return nil, errors.New("`<<` takes a mapping or a list of mappings")
}

// yamlScalar is the text that a scalar becomes, or nothing for null.
func yamlScalar(n *yaml.Node) (string, bool) {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	tagged := n.Style&yaml.TaggedStyle != 0
	switch {
	case tagged && n.Tag == "!!binary":
		if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), "")); err == nil {
			return string(raw), true
		}
	case tagged && (n.Tag == "!!int" || n.Tag == "!!float" || n.Tag == "!!bool" || n.Tag == "!!null"):
		return scalar(n.Value)
	case !tagged && n.Style&quoted == 0:
		return scalar(n.Value)
	}
	return n.Value, true
}
