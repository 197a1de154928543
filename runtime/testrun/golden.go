package testrun

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Update says which goldens are written.
type Update string

// Which goldens to write.
const (
	UpdateNone    Update = ""
	UpdateMissing Update = "missing"
	UpdateAll     Update = "all"
)

// goldens writes golden files, and knows which two cases claim.
type goldens struct {
	mu      sync.Mutex
	written map[string][]byte
}

// golden compares content with a file beside the test, or writes it.
func (x *expecting) golden(field, name string, content []byte) {
	path := x.file.beside(name)
	want, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err == nil && bytes.Equal(want, content):
		return
	case err != nil && !missing:
		x.fail(err.Error(), nil, field)
	case x.update == UpdateAll || x.update == UpdateMissing && missing:
		if err := x.goldens.write(path, content); err != nil {
			x.fail(err.Error(), nil, field)
		}
	case missing:
		x.fail("there is no "+path, append([]string{"wconf test -u writes it:"}, indent(content)...), field)
	default:
		x.fail("the output is not "+name, append(differ(name, want, "got", content), x.readKeys()...), field)
	}
}

var errTwoGoldens = errors.New("two cases with different outputs have this golden")

func (g *goldens) write(path string, content []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if other, again := g.written[path]; again && !bytes.Equal(other, content) {
		return errTwoGoldens
	}
	if g.written == nil {
		g.written = map[string][]byte{}
	}
	g.written[path] = content
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// list is the goldens that were written.
func (g *goldens) list() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	paths := sorted(g.written)
	return slices.Clip(paths)
}
