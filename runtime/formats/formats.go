// Package formats reads the text formats that wconf meets: TOML, YAML, JSON
// and XML. It checks that a rendered file is what its resource says it is,
// turns documents into flat keys as confd's file backend does, and decodes
// configuration with the place of every key and value.
//
// It promises that a text from elsewhere costs time and memory in proportion
// to its size, never a crash: each parser sees a text only after its size and
// its nesting were looked at. Problems in data name a place, never a value.
// It knows nothing of resources, stores and options, and opens no file.
package formats

import (
	"fmt"
	"path"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// The formats. `yml` means YAML.
const (
	JSON = "json"
	YAML = "yaml"
	TOML = "toml"
	XML  = "xml"
)

// Names are the values that output_format takes.
func Names() []string { return []string{JSON, YAML, "yml", TOML, XML} }

// Known tells whether name is one of Names.
func Known(name string) bool { return canonical(name) != "" }

// OfFile is the format of a data file by the ending of its name: JSON or TOML,
// and YAML for all others, as in confd.
func OfFile(name string) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".json", ".toml":
		return ext[1:]
	}
	return YAML
}

func canonical(name string) string {
	switch name {
	case "yml":
		return YAML
	case JSON, YAML, TOML, XML:
		return name
	}
	return ""
}

// Largest texts, in bytes. A tree of YAML or TOML takes many times the room of
// its text; JSON and XML are checked without a tree.
const (
	maxStream = 64 << 20
	maxYAML   = 16 << 20
	maxTOML   = 4 << 20
	maxConfig = 256 << 10
)

func tooLarge(code, what string, size, limit int) *problem.Problem {
	if size <= limit {
		return nil
	}
	return &problem.Problem{Code: code, Msg: fmt.Sprintf("%s of %d bytes is too large, the limit is %d", what, size, limit)}
}
