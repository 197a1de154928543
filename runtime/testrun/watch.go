package testrun

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/notify"
)

// Watch runs the cases, tells the report, and runs them again whenever a file
// that they are made of is saved, until ctx is done. The first run that fails
// with an error ends it.
func Watch(ctx context.Context, o Options, tell func(*Report, error)) error {
	for {
		began := time.Now()
		report, err := Run(ctx, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tell(report, err)
		var nothing *NothingError
		if err != nil && !errors.As(err, &nothing) {
			return err
		}
		if err := untilSaved(ctx, watched(o, report), began); err != nil {
			return err
		}
	}
}

// untilSaved returns when one of paths has changed since a run began.
func untilSaved(ctx context.Context, paths []string, began time.Time) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changed, ended := make(chan []string), make(chan error, 1)
	go func() { ended <- (notify.Watcher{}).Watch(ctx, paths, changed) }()
	for watching := false; ; watching = true { // all are told once, when they are watched
		select {
		case <-changed:
			if watching || savedSince(paths, began) {
				stop()
				<-ended
				return nil
			}
		case err := <-ended:
			return err
		}
	}
}

// savedSince tells whether a file was saved while nobody watched. Time stamps
// of files are a little behind the clock.
func savedSince(paths []string, began time.Time) bool {
	const behind = 10 * time.Millisecond
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.ModTime().After(began.Add(-behind)) {
			return true
		}
	}
	return false
}

// watched is what the cases are made of: the paths of the command line, and
// what the files found there use.
func watched(o Options, r *Report) []string {
	var paths []string
	for _, p := range o.Paths {
		if found, err := find(p); err == nil && len(found) > 0 && found[0].Line+len(found[0].Named) > 0 {
			p = found[0].Path
		}
		paths = append(paths, p)
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for i, p := range paths {
		if p == "./..." || p == "..." {
			paths[i] = "."
		}
	}
	if r != nil {
		for _, f := range r.Files {
			paths = append(paths, f.uses()...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// uses is every file that the cases of f are made of.
func (f *FileReport) uses() []string {
	paths := []string{f.Path}
	if f.file == nil {
		return paths
	}
	add := func(names ...string) {
		for _, n := range names {
			if n != "" {
				paths = append(paths, f.file.beside(n))
			}
		}
	}
	fx := f.file.Fixture
	add(f.file.Resource, fx.Rancher, fx.Etcd)
	add(fx.YAML...)
	add(fx.JSON...)
	for _, from := range fx.Files {
		add(from)
	}
	for _, c := range f.file.Cases {
		for _, e := range c.expectations() {
			add(e.Golden, e.Diff)
		}
	}
	if f.world != nil {
		paths = append(paths, sorted(f.world.texts)...)
	}
	return paths
}

// expectations are those of the case and of its steps.
func (c *Case) expectations() (all []*Expect) {
	if c.Expect != nil {
		all = append(all, c.Expect)
	}
	for _, s := range c.Steps {
		if s.Expect != nil {
			all = append(all, s.Expect)
		}
	}
	return all
}
