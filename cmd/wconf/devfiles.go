package main

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// prints are the digests of files by their paths.
type prints map[string][sha256.Size]byte

// printsOf reads all files at and below paths; hidden ones, in which editors and
// git keep their own, are left out.
func printsOf(paths []string) prints {
	all := prints{}
	for _, root := range paths {
		filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error { //nolint:errcheck // what cannot be read has no print
			hidden := path != root && strings.HasPrefix(filepath.Base(path), ".")
			switch {
			case err != nil:
			case hidden && e.IsDir():
				return filepath.SkipDir
			case !hidden && !e.IsDir():
				if text, err := os.ReadFile(path); err == nil {
					all[path] = sha256.Sum256(text)
				}
			}
			return nil
		})
	}
	return all
}

// against is which files came, went, or are not as they were.
func (p prints) against(old prints) (names []string) {
	for path, sum := range p {
		if was, ok := old[path]; !ok || was != sum {
			names = append(names, path)
		}
	}
	for path := range old {
		if _, ok := p[path]; !ok {
			names = append(names, path)
		}
	}
	slices.Sort(names)
	return names
}

// places is what has to be watched: all that could come to matter.
func (d *workbench) places() []string {
	places := []string{filepath.Join(d.settings.Confdir, "conf.d"), filepath.Join(d.settings.Confdir, "templates")}
	if len(d.fixtures) > 0 {
		places = append(places, d.fixtures...)
	} else if d.settings.Store.Backend == "file" {
		places = append(places, d.settings.Store.Files...)
	}
	places = append(places, d.files...)
	for _, test := range d.tests {
		places = append(places, filepath.Dir(test)) // and the goldens
	}
	places = append(places, d.sources()...)
	slices.Sort(places)
	return slices.Compact(places)
}

// sources is where the sources of the guest are; nothing where none is built.
func (d *workbench) sources() []string {
	if d.source == "" {
		return nil
	}
	if src := filepath.Join(d.source, "src"); isDir(src) {
		return []string{src}
	}
	return []string{d.source}
}

// printsOfSources leaves out what is built of them, which may lie beside.
func (d *workbench) printsOfSources() prints {
	all := printsOf(d.sources())
	maps.DeleteFunc(all, func(path string, _ [sha256.Size]byte) bool { return strings.HasSuffix(path, ".wasm") })
	return all
}

// changed is the files that are not as the last round saw them, and matter:
// while the resource does not load, any may mend it.
func (d *workbench) changed() (names []string) {
	now := printsOf(d.places())
	for _, path := range now.against(d.seen) {
		if d.matters(path) {
			names = append(names, d.short(path))
		}
	}
	maps.Copy(d.seen, now)
	return names
}

func (d *workbench) matters(path string) bool {
	inTemplates := within(filepath.Join(d.settings.Confdir, "templates"), path)
	inResources := within(filepath.Join(d.settings.Confdir, "conf.d"), path)
	if !inTemplates && !inResources || !d.loads {
		return true
	}
	return slices.ContainsFunc(d.files, func(f string) bool { return same(f, path) })
}

func within(dir, path string) bool {
	below, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(below)
}

func same(a, b string) bool {
	left, err := filepath.Abs(a)
	right, err2 := filepath.Abs(b)
	return err == nil && err2 == nil && left == right
}
