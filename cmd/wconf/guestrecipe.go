package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// recipe is how the sources of a guest become a module.
type recipe struct {
	dir     string   // of the sources; the compiler runs there, so that no other path gets into the module
	name    string   // of the module, without .wasm
	command []string // the compiler and its arguments; MODULE stands for the module's path
	env     []string
}

// module is the argument that the path of the module takes the place of.
const module = "MODULE"

// recipeFor finds the sources of a guest: in a directory or its src, or the one
// file that is named.
func recipeFor(path string) (recipe, error) {
	info, err := os.Stat(path)
	if err != nil {
		return recipe{}, err
	}
	if !info.IsDir() {
		return recipeOf(filepath.Dir(path), []string{filepath.Base(path)})
	}
	for _, dir := range []string{filepath.Join(path, "src"), path} {
		if r, err := recipeIn(dir); !errors.Is(err, errNoSource) {
			return r, err
		}
	}
	for _, dir := range []string{filepath.Join(path, "templates"), path} {
		if scripts, err := filepath.Glob(filepath.Join(dir, "*.js")); err == nil && len(scripts) > 0 {
			return recipe{}, fmt.Errorf("%s is not built: wconf runs a script as it is", scripts[0])
		}
	}
	return recipe{}, fmt.Errorf("%s: %w (go.mod, *.c or *.rs, there or in its src)", path, errNoSource)
}

var errNoSource = errors.New("no source of a guest")

func recipeIn(dir string) (recipe, error) {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return goRecipe(dir)
	}
	for _, pattern := range []string{"*.c", "*.rs"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return recipe{}, err
		}
		var sources []string
		for _, p := range paths {
			if name := filepath.Base(p); name != "wconf.rs" { // the SDK
				sources = append(sources, name)
			}
		}
		if len(sources) > 0 {
			return recipeOf(dir, sources)
		}
	}
	return recipe{}, errNoSource
}

func recipeOf(dir string, sources []string) (recipe, error) {
	if len(sources) > 1 {
		return recipe{}, fmt.Errorf("%s: several sources: %s; name the one that has the exports", dir, strings.Join(sources, ", "))
	}
	source := sources[0]
	name := strings.TrimSuffix(source, filepath.Ext(source))
	switch filepath.Ext(source) {
	case ".c":
		return cRecipe(dir, name)
	case ".rs":
		return rustRecipe(dir, name)
	case ".go", ".mod":
		return goRecipe(dir)
	}
	return recipe{}, fmt.Errorf("%s: guests are built from C, Rust and Go", filepath.Join(dir, source))
}

const (
	debianC    = "Debian: apt-get install --no-install-recommends clang lld"
	debianRust = "Debian: apt-get install --no-install-recommends rustc libstd-rust-dev-wasm32 lld"
	debianGo   = "Debian: apt-get install --no-install-recommends golang, where that is Go 1.24 or newer; else https://go.dev/dl"
)

func cRecipe(dir, name string) (recipe, error) {
	clang, err := tool("CLANG", "clang", debianC)
	if err != nil {
		return recipe{}, err
	}
	if _, err := tool("", "wasm-ld", debianC); err != nil {
		return recipe{}, err
	}
	return recipe{dir: dir, name: name, command: []string{clang, "--target=wasm32-unknown-unknown", "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory",
		"-Wl,--no-entry", "-Wl,--strip-debug", "-Wl,-z,stack-size=16384", "-o", module, name + ".c"}}, nil
}

const rustTarget = "wasm32-unknown-unknown"

// rustRecipe takes the first rustc that can compile to WebAssembly: a machine
// may have one from rustup and one from its distribution.
func rustRecipe(dir, name string) (recipe, error) {
	first, err := tool("RUSTC", "rustc", debianRust)
	if err != nil {
		return recipe{}, err
	}
	candidates := []string{first}
	if os.Getenv("RUSTC") == "" {
		candidates = append(candidates, "/usr/bin/rustc")
	}
	for _, rustc := range candidates {
		if canTarget(rustc) {
			return recipe{dir: dir, name: name, command: []string{rustc, "--edition", "2021", "--target", rustTarget, "--crate-type", "cdylib",
				"-C", "opt-level=3", "-C", "target-feature=+bulk-memory", "-C", "panic=abort", "-C", "lto=fat", "-C", "strip=symbols", "-C", "codegen-units=1",
				"-C", "link-arg=-zstack-size=65536", "-o", module, name + ".rs"}}, nil
		}
	}
	return recipe{}, &missingTool{fmt.Sprintf("%s has no target %s", first, rustTarget), debianRust + "; rustup: rustup target add " + rustTarget}
}

func canTarget(rustc string) bool {
	dir, err := exec.Command(rustc, "--print", "target-libdir", "--target", rustTarget).Output()
	if err != nil {
		return false
	}
	std, _ := filepath.Glob(filepath.Join(string(bytes.TrimSpace(dir)), "libstd-*.rlib"))
	return len(std) > 0
}

func goRecipe(dir string) (recipe, error) {
	golang, err := tool("", "go", debianGo)
	if err != nil {
		return recipe{}, err
	}
	name, err := moduleName(dir)
	r := recipe{dir: dir, name: name, command: []string{golang, "build", "-buildmode=c-shared", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", module, "."},
		env: []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}}
	if os.Getenv("GOWORK") == "" {
		r.env = append(r.env, "GOWORK=off") // a guest is a module of its own
	}
	return r, err
}

// moduleName is the last name of the path of a Go module.
func moduleName(dir string) (string, error) {
	file := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			path = strings.Trim(strings.TrimSpace(path), `"`)
			return path[strings.LastIndexByte(path, '/')+1:], nil
		}
	}
	return "", fmt.Errorf("%s has no module line", file)
}

// tool finds a program, by a variable of the environment or on the path.
func tool(variable, name, hint string) (string, error) {
	if variable != "" && os.Getenv(variable) != "" {
		name = os.Getenv(variable)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &missingTool{name + " is not installed", hint}
	}
	return path, nil
}

// missingTool is a compiler that is not there, and how to get it.
type missingTool struct{ what, hint string }

func (e *missingTool) Error() string { return e.what + " (" + e.hint + ")" }
