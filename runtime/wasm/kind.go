package wasm

import (
	"bytes"
	"slices"
	"strings"
)

// Kind is how a module works together with wconf.
type Kind string

// The kinds that wconf runs.
const (
	ABI     Kind = "guest"   // exports render, filter, check or call; asks for keys through wconf/v1
	Command Kind = "command" // exports _start; keys on stdin, the file on stdout
)

// Roles are the exports by which an ABI guest serves.
var roles = []string{"render", "filter", "check", "call"}

// refusal says why a module is none of the kinds, and what its author can do.
type refusal struct{ msg, hint string }

var (
	component = refusal{"is a WebAssembly component; wconf runs core modules", "build for wasm32-wasip1 (not wasip2), or without wit-bindgen and jco"}
	extism    = refusal{"is an Extism plug-in; wconf does not run those", "import wconf/v1 instead of the Extism PDK: guests/README.md has the SDKs"}
	proxyWasm = refusal{"is a proxy-wasm filter for Envoy; wconf does not run those", "guests/README.md shows what a guest for wconf looks like"}
	wapc      = refusal{"is a waPC guest (Kubewarden); wconf does not run those", "guests/README.md shows what a guest for wconf looks like"}
	nothing   = refusal{"exports none of render, filter, check, call and _start", "export render, or build a command that writes the file to stdout"}
)

// isComponent tells a component by its preamble (layer 1).
func isComponent(bin []byte) bool {
	return len(bin) >= 8 && bytes.Equal(bin[:4], []byte("\x00asm")) && bin[6] == 1 && bin[7] == 0
}

// kindOf tells what the module is by its imports and exports, or why it is
// refused.
func kindOf(s *shape) (Kind, *refusal) {
	for _, i := range s.imports {
		switch {
		case strings.HasPrefix(i.module, "extism:"):
			return "", &extism
		case strings.HasPrefix(i.name, "proxy_"):
			return "", &proxyWasm
		case i.module == "wapc":
			return "", &wapc
		}
	}
	command := false
	for _, e := range s.exports {
		switch {
		case e.kind != 0:
		case slices.Contains(roles, e.name):
			return ABI, nil
		case strings.HasPrefix(e.name, "proxy_"):
			return "", &proxyWasm
		case e.name == "__guest_call":
			return "", &wapc
		case e.name == "_start":
			command = true
		}
	}
	if command {
		return Command, nil
	}
	return "", &nothing
}
