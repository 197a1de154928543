package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// readAnswers reads an answers file of either generation; nil answers mean that
// there is no such file.
func readAnswers(path string) (answers, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	a, err := parseAnswers(path, text)
	if err != nil {
		return nil, fmt.Errorf("load answers: %w", err)
	}
	return a, nil
}

// parseAnswers reads the text of an answers file. The path is only named in
// errors.
func parseAnswers(path string, text []byte) (answers, error) {
	tree, err := parseTree(path, text)
	if err != nil {
		return nil, err
	}
	root, isMap := tree.(map[string]any)
	if !isMap && tree != nil {
		return nil, unusable(path, "the file must be a mapping of versions", "rancher-metadata's documentation calls it answers.yml")
	}
	if data, found := deltaData(root); found {
		return parseDelta(path, data)
	}
	a := answers{}
	for version, node := range root {
		clients, isMap := node.(map[string]any)
		if !isMap && node != nil {
			return nil, unusable(path, fmt.Sprintf("version %q must be a mapping of clients", version), "")
		}
		a[version] = fillDefaults(clients)
	}
	return a, nil
}

// parseTree reads JSON fast, and everything else (nearly all JSON included) as
// YAML, whose errors know their line.
func parseTree(path string, text []byte) (any, error) {
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		if tree, err := parseJSON(text); err == nil {
			return tree, nil
		}
	}
	return formats.Tree(path, text, plainValue)
}

func parseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return exactNumbers(tree), nil
}

// exactNumbers turns the numbers of a tree, in place, into integers where they
// are written as such.
func exactNumbers(node any) any {
	switch n := node.(type) {
	case json.Number:
		return plainValue(n.String())
	case map[string]any:
		for key, child := range n {
			n[key] = exactNumbers(child)
		}
	case []any:
		for i, child := range n {
			n[i] = exactNumbers(child)
		}
	}
	return node
}

// deltaData is the member Data of a delta file. In the older form every member
// is a mapping, so a text tells the two apart. Capital letters do not count.
func deltaData(root map[string]any) (string, bool) {
	for key, node := range root {
		if data, isText := node.(string); isText && strings.EqualFold(key, "data") {
			return data, true
		}
	}
	return "", false
}

// fillDefaults gives each client the top-level keys that only the default has.
// Nothing is merged deeper.
func fillDefaults(clients map[string]any) map[string]any {
	defaults, _ := clients[defaultClient].(map[string]any)
	filled := make(map[string]any, len(clients))
	for client, node := range clients {
		filled[client] = node
		if tree, isMap := node.(map[string]any); isMap {
			filled[client] = fill(tree, defaults)
		}
	}
	return filled
}

func fill(tree, defaults map[string]any) map[string]any {
	filled := maps.Clone(defaults)
	if filled == nil {
		return tree
	}
	maps.Copy(filled, tree)
	return filled
}

func unusable(path, message, hint string) error {
	return &problem.Problem{Code: problem.Config, File: path, Msg: message, Hint: hint}
}
