package wasm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
)

// Manifest is what a guest says about itself in its custom section "wconf":
// UTF-8 JSON of at most 16 KiB. It requests; the resource grants. Unknown
// fields are ignored.
type Manifest struct {
	ABI         string                 `json:"abi,omitempty"`
	Name        string                 `json:"name,omitempty"`
	Version     string                 `json:"version,omitempty"`
	Description string                 `json:"description,omitempty"`
	Keys        []string               `json:"keys,omitempty"`
	Params      map[string]Param       `json:"params,omitempty"`
	Functions   map[string]FunctionDoc `json:"functions,omitempty"`
	Limits      ManifestLimits         `json:"limits,omitzero"`
}

// Param is a parameter that the guest takes.
type Param struct {
	Type     string   `json:"type,omitempty"` // string, int, bool or enum
	Default  string   `json:"default,omitempty"`
	Required bool     `json:"required,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Help     string   `json:"help,omitempty"`
}

// FunctionDoc is a template function that the guest's call export answers.
type FunctionDoc struct {
	Args int    `json:"args"`
	Help string `json:"help,omitempty"`
}

// ManifestLimits are limits that the guest lowers for itself.
type ManifestLimits struct {
	MemoryMiB uint64 `json:"memory_mib,omitempty"`
	Fuel      uint64 `json:"fuel,omitempty"`
}

// ManifestSection is the name of the custom section.
const ManifestSection = "wconf"

func readManifest(s *shape) (*Manifest, error) {
	raw, ok := s.custom[ManifestSection]
	if !ok {
		return nil, nil
	}
	return ParseManifest(raw)
}

// ParseManifest reads the JSON of a manifest.
func ParseManifest(raw []byte) (*Manifest, error) {
	if len(raw) > maxManifest {
		return nil, fmt.Errorf("its manifest has %d bytes, more than %d", len(raw), maxManifest)
	}
	m := new(Manifest)
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("its manifest (custom section %q) is no JSON as wconf knows it: %w", ManifestSection, err)
	}
	return m, m.check()
}

func (m *Manifest) check() error {
	if major, _, _ := strings.Cut(m.ABI, "."); m.ABI != "" && major != "1" {
		return fmt.Errorf("its manifest asks for ABI %s; this wconf provides %s", m.ABI, hostfuncs.Version)
	}
	for name, p := range m.Params {
		if !slices.Contains([]string{"", "string", "int", "bool", "enum"}, p.Type) {
			return fmt.Errorf("its manifest gives parameter %s the type %q; wconf knows string, int, bool and enum", name, p.Type)
		}
	}
	return nil
}

// Pack puts a manifest into a module, behind its last section and in place of
// one that it has: for languages that cannot write custom sections.
func Pack(bin, manifest []byte) ([]byte, error) {
	if _, err := ParseManifest(manifest); err != nil {
		return nil, err
	}
	if _, err := scan(bin); err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(bin)+len(manifest)+16), preamble...)
	for r := (&reader{data: bin, at: len(preamble)}); r.more(); {
		from := r.at
		id := r.byte()
		body := &reader{data: r.take(r.u32())}
		if id != customSection || body.name() != ManifestSection {
			out = append(out, bin[from:r.at]...)
		}
	}
	section := append(appendName(nil, ManifestSection), manifest...)
	return append(appendU(append(out, customSection), uint64(len(section))), section...), nil
}
