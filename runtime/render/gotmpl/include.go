package gotmpl

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxIncludes is how deep files include each other (abtreece/confd's
// documentation, "include").
const maxIncludes = 10

// include is the function of this name.
func (e *execution) include(name string, dot any) (string, error) {
	rel, err := below(name)
	if err != nil {
		return "", err
	}
	if slices.Contains(e.stack, rel) {
		return "", fmt.Errorf("include cycle detected: %s is already being processed", rel)
	}
	if len(e.stack) == maxIncludes {
		return "", fmt.Errorf("maximum include depth (%d) exceeded", maxIncludes)
	}
	f, err := e.template.include(rel)
	if err != nil {
		return "", err
	}
	e.stack = append(e.stack, rel)
	defer func() { e.stack = e.stack[:len(e.stack)-1] }()
	out, err := e.render(f, dot, 0)
	if err != nil {
		return "", err
	}
	return string(out), e.run.Budget.Make(len(out))
}

// below is the clean path of a name below the directory of templates.
func below(name string) (string, error) {
	rel := strings.TrimPrefix(path.Clean(strings.TrimLeft(name, "/")), "/")
	if rel == "." || !fs.ValidPath(rel) {
		return "", errors.New("include path is outside template directory")
	}
	return rel, nil
}

// include is an included file, read and parsed once. A failure is not kept:
// the file may be there at the next render.
func (t *Template) include(rel string) (*file, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.included[rel]; ok {
		return f, nil
	}
	if !slices.Contains(t.asked, rel) {
		t.asked = append(t.asked, rel)
	}
	text, err := t.opts.ReadFile(t.path(rel))
	if err != nil {
		return nil, fmt.Errorf("include: %w", reason(err))
	}
	f, err := t.parse(source{name: path.Base(rel), path: t.path(rel), text: string(text)})
	if err != nil {
		return nil, err
	}
	t.included[rel] = f
	return f, nil
}

// reason is an error without the path, which can hold the value of a key.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// includeAhead reads what files include by a literal name. What fails here
// fails again, with its place, when a render comes to it.
func (t *Template) includeAhead() {
	seen := map[*file]struct{}{}
	for open := []*file{t.root}; len(open) > 0; {
		f := open[0]
		open = open[1:]
		if has(seen, f) {
			continue
		}
		seen[f] = struct{}{}
		for _, name := range f.includes {
			if rel, err := below(name); err == nil {
				if inner, err := t.include(rel); err == nil {
					open = append(open, inner)
				}
			}
		}
	}
}
