package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wconf/wconf/runtime/problem"
)

// Set is the resources of a conf.d, in the order of confd: by path, folder by
// folder.
//
// A later load of the same directory starts from the set before it. A file
// that did not change keeps its *Resource, so what did change is seen by
// comparing pointers; a file that was good and cannot be read now keeps its
// last good version until it can be read again or is gone.
type Set struct {
	Resources []*Resource
	Problems  []*problem.Problem // of the files, sorted; those of a file that keeps its last good version too
	Warnings  []*problem.Problem

	// News is what of Problems and Warnings the set before did not have: what
	// a daemon logs, once.
	News []*problem.Problem

	files map[string]*loaded
}

// loaded is what is known of one file.
type loaded struct {
	text     string
	good     *Resource // the last good version
	test     bool
	problems []*problem.Problem
	warnings []*problem.Problem
}

// LoadResources reads all resources of <confdir>/conf.d; before is the set that
// was in force, nil for none. Every file whose name ends in "toml" counts, at
// any depth; conf.d may be a link, folders below it are not followed through
// links; the dated folder of a ConfigMap mount counts once, through its links.
// Tests (`*_test.toml`, files with `format` or `[[case]]`) are passed over. Of
// two resources with one dest the later one stands, with a warning.
//
// A missing confdir is a warning, as in confd. The error is a conf.d that is
// missing or cannot be read; then the set before stands.
func LoadResources(confdir string, before *Set) (*Set, error) {
	if before == nil {
		before = &Set{}
	}
	s := &Set{files: map[string]*loaded{}}
	dir := filepath.Join(confdir, "conf.d")
	if _, err := os.Stat(confdir); errors.Is(err, fs.ErrNotExist) {
		s.Warnings = append(s.Warnings, &problem.Problem{Code: problem.Config, File: confdir, Msg: "the configuration directory does not exist"})
	} else {
		below, err := filesBelow(dir)
		if err != nil {
			return before, fileProblem(dir, err)
		}
		for i, f := range loadAll(below.files, dir, filepath.Join(confdir, "templates"), before) {
			s.files[below.files[i]] = f
		}
		for folder, err := range below.failed {
			s.keep(folder, err, before)
		}
	}
	s.settle(before)
	return s, nil
}

// LoadOne is the set of a single resource file, given by -config-file.
func LoadOne(path, templates string, before *Set) *Set {
	if before == nil {
		before = &Set{}
	}
	s := &Set{files: map[string]*loaded{}}
	s.files[path] = loadFile(path, nameOf(path, filepath.Dir(path)), templates, before.files[path])
	s.settle(before)
	return s
}

// loadAll reads files on all cores.
func loadAll(paths []string, dir, templates string, before *Set) []*loaded {
	all := make([]*loaded, len(paths))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		work.Go(func() error {
			all[i] = loadFile(path, nameOf(path, dir), templates, before.files[path])
			return nil
		})
	}
	work.Wait() //nolint:errcheck // none returns an error
	return all
}

// loadFile reads one file, unless it is as it was.
func loadFile(path, name, templates string, was *loaded) *loaded {
	now := &loaded{}
	doc, err := read(path)
	if err == nil {
		if now.text = doc.Text(); was != nil && was.text == now.text && len(was.problems) == 0 {
			same := *was
			return &same
		}
		if now.test = isTest(doc); now.test {
			return now
		}
		now.good, now.warnings, err = newResource(doc, name, templates)
	}
	if err == nil {
		return now
	}
	if now.good = nil; was != nil {
		now.good = was.good
	}
	now.problems = problemsOf(err)
	if was == nil && doc == nil && strings.HasSuffix(path, "_test.toml") { // `wconf test` says what is wrong with it
		now.problems, now.warnings = nil, now.problems
	}
	return now
}

// keep notes a folder that cannot be read; what was known below it stands.
func (s *Set) keep(folder string, err error, before *Set) {
	s.files[folder] = &loaded{problems: []*problem.Problem{fileProblem(folder, err)}}
	for path, f := range before.files {
		if strings.HasPrefix(path, folder+"/") {
			s.files[path] = f
		}
	}
}

func problemsOf(err error) []*problem.Problem {
	var all []*problem.Problem
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			all = append(all, problemsOf(e)...)
		}
		return all
	}
	var p *problem.Problem
	if !errors.As(err, &p) {
		p = &problem.Problem{Code: problem.Config, Msg: err.Error(), Err: err}
	}
	return append(all, p)
}

// settle gathers what the files say, in their order.
func (s *Set) settle(before *Set) {
	for _, path := range s.paths() {
		f := s.files[path]
		s.Problems = append(s.Problems, f.problems...)
		s.Warnings = append(s.Warnings, f.warnings...)
		if f.good != nil {
			s.Resources = append(s.Resources, f.good)
		}
	}
	s.shadow()
	known := map[string]bool{}
	for _, p := range slices.Concat(before.Problems, before.Warnings) {
		known[p.Error()] = true
	}
	for _, p := range slices.Concat(s.Problems, s.Warnings) {
		if !known[p.Error()] {
			s.News = append(s.News, p)
		}
	}
}

// paths are the files in the order of a walk: segment by segment.
func (s *Set) paths() []string {
	paths := make([]string, 0, len(s.files))
	for path := range s.files {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
	})
	return paths
}

// shadow takes out resources whose dest a later one has too.
func (s *Set) shadow() {
	last := map[string]*Resource{}
	for _, r := range s.Resources {
		last[where(r)] = r
	}
	s.Resources = slices.DeleteFunc(s.Resources, func(r *Resource) bool {
		other := last[where(r)]
		if other == r {
			return false
		}
		s.Warnings = append(s.Warnings, r.Problem(problem.Config, fmt.Sprintf("%s has the same dest and stands, this one is not processed", other.File), "", "dest"))
		return true
	})
}

func where(r *Resource) string {
	if abs, err := filepath.Abs(r.Dest); err == nil {
		return abs
	}
	return r.Dest
}
