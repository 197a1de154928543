package runtime_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wconf/wconf/"

// rooms says, for every package, which packages of ours it may enter
// (ARCHITECTURE.md, "Layers"). A row may also stand for every folder below
// one. cmd/wconf may enter all, and nothing may enter it.
var rooms = map[string][]string{
	// 0 words and tools
	"runtime/problem":             {},
	"runtime/needs":               {},
	"runtime/kv":                  {},
	"runtime/formats":             {"problem"},
	"runtime/config":              {"formats", "problem"},
	"runtime/gate":                {"problem"},
	"runtime/stage":               {"problem"},
	"runtime/command":             {"problem"},
	"runtime/ledger":              {"problem"},
	"runtime/notify":              {"problem"},
	"hostfuncs":                   {},
	"runtime/render/gotmpl/funcs": {"problem"},
	"runtime/backend/etcd/api":    {},
	// 1 promises
	"runtime/backend": {"kv"},
	"runtime/render":  {"kv", "problem"},
	"runtime/wasm":    {"hostfuncs", "problem"},
	// 2 makers
	"runtime/backend/etcd":  {"backend", "backend/etcd/api", "kv", "problem"},
	"runtime/backend/*":     {"backend", "kv", "command", "formats", "notify", "problem"},
	"runtime/cache":         {"backend", "kv"},
	"runtime/render/gotmpl": {"render", "kv", "render/gotmpl/funcs", "problem"},
	"runtime/render/guest":  {"render", "kv", "wasm", "hostfuncs", "problem"},
	"runtime/render/script": {"render", "render/guest", "kv", "wasm", "hostfuncs", "problem"},
	"runtime/metadata":      {"formats", "problem"},
	// 3 the file
	"runtime/resource": {"kv", "render", "gate", "stage", "command", "ledger", "problem"},
	// 4 the flow
	"runtime/engine": {"cache", "resource", "kv", "problem"},
	// 5 the whole
	"runtime/admin":   {"cache", "engine", "resource", "problem"},
	"runtime/testrun": {"*"},
	"runtime/demo":    {"*"},
	"runtime":         {"*"},
}

// libraries says which room a library of others lives in; nobody else imports
// it. What is not named here belongs to no room and needs a line.
var libraries = map[string][]string{
	"github.com/BurntSushi/toml":           {"runtime/formats"},
	"go.yaml.in/yaml/v3":                   {"runtime/formats"},
	"github.com/tetratelabs/wazero":        {"runtime/wasm"},
	"github.com/expr-lang/expr":            {"runtime/gate"},
	"github.com/urfave/cli/v2":             {"cmd/wconf"},
	"go.etcd.io/etcd":                      {"runtime/backend/etcd"},
	"google.golang.org/grpc":               {"runtime/backend/etcd"},
	"google.golang.org/protobuf":           {"runtime/backend/etcd/api"},
	"go.uber.org/zap":                      {"runtime/backend/etcd"},
	"github.com/fsnotify/fsnotify":         {"runtime/notify"},
	"github.com/tidwall/btree":             {"runtime/kv"},
	"github.com/agnivade/levenshtein":      {"runtime/problem"},
	"github.com/rogpeppe/go-internal/diff": {"runtime/testrun", "runtime/gate", "cmd/wconf"},
	"github.com/lmittmann/tint":            {"cmd/wconf"},
	"golang.org/x/term":                    {"cmd/wconf"},
	"github.com/ProtonMail/go-crypto":      {"runtime/render/gotmpl", "runtime/render/gotmpl/funcs"},
	"github.com/prometheus/client_golang":  {"runtime/admin"},
	"github.com/coreos/go-systemd/v22":     {"runtime/admin"},
	"github.com/cenkalti/backoff/v5":       {"runtime/cache", "runtime/engine", "runtime/backend/etcd", "runtime/backend/rancher"},
	"golang.org/x/sys":                     {"runtime/stage", "runtime/command", "runtime/ledger", "runtime/wasm"},
	"github.com/bmatcuk/doublestar/v4":     {"runtime/testrun"},
	"golang.org/x/sync":                    {"*"},
	"golang.org/x/mod/semver":              {"runtime/backend/etcd"},
	"github.com/go-json-experiment/json":   {"runtime/backend/rancher"},
}

func TestLayers(t *testing.T) {
	// The files are read here rather than by "go list", so that the test
	// cache notices when one of them changes.
	top := ".."
	seen := map[string]bool{}
	for _, root := range []string{"cmd", "runtime", "hostfuncs"} {
		err := filepath.WalkDir(filepath.Join(top, root), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && nested(file) {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return nil
			}
			rel, _ := filepath.Rel(top, filepath.Dir(file))
			room := filepath.ToSlash(rel)
			seen[room] = true
			for _, imported := range imports(t, file) {
				if why := forbidden(room, imported); why != "" {
					t.Errorf("%s: %s", file, why)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for room := range rooms {
		if !strings.HasSuffix(room, "/*") && !seen[room] {
			t.Errorf("%s has a row but no code", room)
		}
	}
}

// nested tells whether a folder is a module of its own, or holds test data.
func nested(dir string) bool {
	mods, _ := filepath.Glob(filepath.Join(dir, "go.mod"))
	return len(mods) > 0 && dir != ".." || filepath.Base(dir) == "testdata"
}

func imports(t *testing.T, file string) (paths []string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// forbidden says why a room may not import a package, or nothing.
func forbidden(room, imported string) string {
	if ours, ok := strings.CutPrefix(imported, module); ok {
		if strings.HasPrefix(room, "cmd/") || forTests(room) {
			return ""
		}
		allowed, known := row(room)
		switch {
		case !known:
			return room + " is in no layer; give it a row"
		case slices.Contains(allowed, "*"), slices.Contains(allowed, strings.TrimPrefix(ours, "runtime/")):
			return ""
		}
		return room + " may not enter " + ours
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for library, owners := range libraries {
		if imported != library && !strings.HasPrefix(imported, library+"/") {
			continue
		}
		for _, o := range owners {
			if o == "*" || o == room || strings.HasPrefix(room, o+"/") {
				return ""
			}
		}
		return imported + " lives in " + strings.Join(owners, ", ")
	}
	if forTests(room) {
		return ""
	}
	return imported + " has no room; give it a line, and its reason in RATIONALE.md"
}

// forTests tells whether a package exists for tests alone.
func forTests(room string) bool {
	return room == "runtime/needs" || strings.HasSuffix(path.Base(room), "test") && room != "runtime/testrun"
}

func row(room string) ([]string, bool) {
	if allowed, ok := rooms[room]; ok {
		return allowed, true
	}
	for at := path.Dir(room); at != "."; at = path.Dir(at) {
		if allowed, ok := rooms[at+"/*"]; ok {
			return allowed, true
		}
	}
	return nil, false
}
