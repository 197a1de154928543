package testrun

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// extract makes a resource in place a file of its own: the test file with all
// lines blank that are not part of the resource, so that places stay right.
func (w *world) extract() error {
	dir, err := os.MkdirTemp("", "wconf-test-")
	if err != nil {
		return err
	}
	w.inPlace = dir
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(w.file.path), ".toml"), "_test")
	w.single = filepath.Join(dir, name+".toml")
	w.templates = w.file.sourceDir()
	kept := w.file.resourceText()
	doc, err := formats.Parse(w.file.path, []byte(kept))
	if err != nil || !reflect.DeepEqual(doc.Table["template"], w.file.doc.Table["template"]) {
		return w.file.doc.Problem(problem.Config, "the resource in place cannot be told from the rest of the file", "write it as a table: a line [template], below it the fields", "template")
	}
	return os.WriteFile(w.single, []byte(kept), 0o600)
}

// sourceDir is where the source of a resource in place is looked for: the first
// of ../templates, templates and the test file's own directory that has it.
func (f *File) sourceDir() string {
	dirs := []string{f.beside("../templates"), f.beside("templates"), f.beside(".")}
	src, _ := f.Template["src"].(string)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, src)); err == nil && src != "" {
			return dir
		}
	}
	return dirs[0]
}

// resourceText is the file with every line blank that does not belong to
// [template] or [backend].
func (f *File) resourceText() string {
	lines := strings.SplitAfter(f.doc.Text(), "\n")
	top, ours := true, false
	for i, line := range lines {
		head := strings.TrimSpace(line)
		if strings.HasPrefix(head, "[") {
			top, ours = false, ofResource().MatchString(strings.TrimLeft(head, "[ \t"))
		}
		if !ours && !(top && ofResource().MatchString(head)) {
			lines[i] = strings.Repeat("\n", strings.Count(line, "\n"))
		}
	}
	return strings.Join(lines, "")
}

// ofResource is how a table or a key of a resource in place begins.
var ofResource = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^"?(template|backend)"?\s*[].=]`) })
