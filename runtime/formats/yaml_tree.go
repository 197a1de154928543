package formats

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/wconf/wconf/runtime/problem"
)

// Limits of Tree. Merged keys cost each time a map is merged, and aliases may
// make a document deeper than its text.
const (
	maxTreeDepth  = 10_000
	maxTreeMerged = 1 << 20 // beside one for each byte of the text
)

// Tree reads the one document of a YAML text as map[string]any, []any and
// scalars; an empty text is nil. plain says what a scalar means that has
// neither quotes nor a tag: nil, bool, int64, uint64, float64 or string. Of
// equal keys the last one counts, keys of a map's own win over merged ones
// (`<<`), and a key that is no string is its text as written. What an anchor
// names is built once and shared by its aliases, so a tree must not be changed
// in place; an anchor that contains itself is refused.
//
// The file is only named in errors, which are *problem.Problem and never show
// a value.
func Tree(file string, text []byte, plain func(string) any) (any, error) {
	if p := tooLarge(problem.Config, "a YAML text", len(text), maxStream); p != nil {
		p.File = file
		return nil, p
	}
	var document, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&document); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, treeProblem(file, err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, &problem.Problem{Code: problem.Config, File: file, Msg: "the file must be a single YAML document"}
	} else if err != io.EOF {
		return nil, treeProblem(file, err)
	}
	t := treeBuilder{
		file: file, plain: plain, anchored: map[*yaml.Node]any{}, open: map[*yaml.Node]bool{},
		merges: maxTreeMerged + len(text),
	}
	return t.node(document.Content[0])
}

// treeProblem takes the line out of the parser's message. Messages about
// unknown anchors name the anchor, the others show nothing of the text.
func treeProblem(file string, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	p := &problem.Problem{Code: problem.Config, File: file, Msg: message, Err: err}
	if line, rest, found := strings.Cut(strings.TrimPrefix(message, "line "), ": "); found {
		if number, err := strconv.Atoi(line); err == nil {
			p.Line, p.Msg = number, rest
		}
	}
	return p
}

// treeBuilder builds trees from YAML nodes. What an anchor names is built once
// and shared by its aliases.
type treeBuilder struct {
	file     string
	plain    func(string) any
	anchored map[*yaml.Node]any
	open     map[*yaml.Node]bool // anchored nodes that are being built
	depth    int
	merges   int // how many more keys may be merged
}

func (t *treeBuilder) node(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.depth++; t.depth > maxTreeDepth {
		return nil, t.bad(n, fmt.Sprintf("nested more than %d levels deep", maxTreeDepth))
	}
	defer func() { t.depth-- }()
	if n.Anchor == "" {
		return t.content(n)
	}
	if built, ok := t.anchored[n]; ok {
		return built, nil
	}
	if t.open[n] {
		return nil, t.bad(n, fmt.Sprintf("anchor %q contains itself", n.Anchor))
	}
	t.open[n] = true
	built, err := t.content(n)
	t.anchored[n] = built
	return built, err
}

func (t *treeBuilder) content(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return t.mapping(n)
	case yaml.SequenceNode:
		return t.sequence(n)
	}
	return t.scalar(n)
}

func (t *treeBuilder) sequence(n *yaml.Node) (any, error) {
	list := make([]any, len(n.Content))
	for i, child := range n.Content {
		var err error
		if list[i], err = t.node(child); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// mapping reads merged maps first, so that the map's own keys stand.
func (t *treeBuilder) mapping(n *yaml.Node) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			if err := t.merge(m, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
	}
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		key, err := t.key(n.Content[i])
		if err != nil {
			return nil, err
		}
		if m[key], err = t.node(n.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (t *treeBuilder) key(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", t.bad(n, "a key must be a scalar")
	}
	return n.Value, nil
}

// merge adds the keys of a map, or of a list of maps of which the first wins.
func (t *treeBuilder) merge(into map[string]any, n *yaml.Node) error {
	from, err := t.node(n)
	if err != nil {
		return err
	}
	list, isList := from.([]any)
	if !isList {
		list = []any{from}
	}
	for _, e := range list {
		m, isMap := e.(map[string]any)
		if !isMap {
			return t.bad(n, "only maps can be merged")
		}
		if t.merges -= len(m); t.merges < 0 {
			return t.bad(n, "too many keys are merged")
		}
		for key, child := range m {
			if _, has := into[key]; !has {
				into[key] = child
			}
		}
	}
	return nil
}

func (t *treeBuilder) scalar(n *yaml.Node) (any, error) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	tagged := n.Style&yaml.TaggedStyle != 0
	switch {
	case !tagged && n.Style&quoted == 0:
		return t.plain(n.Value), nil
	case tagged:
		return t.tagged(n)
	}
	return n.Value, nil
}

// tagged reads a scalar that says its type.
func (t *treeBuilder) tagged(n *yaml.Node) (any, error) {
	value := t.plain(n.Value)
	fits := true
	switch n.ShortTag() {
	case "!!null":
		fits = value == nil
	case "!!bool":
		_, fits = value.(bool)
	case "!!int":
		_, signed := value.(int64)
		_, unsigned := value.(uint64)
		fits = signed || unsigned
	case "!!float":
		_, fits = value.(float64)
	case "!!binary":
		return t.binary(n)
	default:
		return n.Value, nil
	}
	if !fits {
		return nil, t.bad(n, "the value does not fit its tag "+n.ShortTag())
	}
	return value, nil
}

func (t *treeBuilder) binary(n *yaml.Node) (any, error) {
	text, err := base64.StdEncoding.DecodeString(n.Value)
	if err != nil || !utf8.Valid(text) {
		return nil, t.bad(n, "a binary value must be the base64 of UTF-8 text")
	}
	return string(text), nil
}

func (t *treeBuilder) bad(n *yaml.Node, message string) error {
	return &problem.Problem{Code: problem.Config, File: t.file, Line: n.Line, Col: n.Column, Msg: message}
}
