// Package notify tells that files may have changed: those of a store, of the
// configuration, templates, certificates, destinations. Editors that save by
// renaming, removal and re-creation, swapped symbolic links (Kubernetes'
// `..data`), directories that appear later: all are noticed, by the kernel
// where it can and by looking again and again where it cannot.
//
// It never says what happened, and never reads a file: whoever is told reads
// again and compares. It is the only importer of fsnotify.
package notify

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher watches files and directories. The zero value is ready.
type Watcher struct {
	Quiet time.Duration // how long nothing may happen before it tells; 0: 50 ms
	Sweep time.Duration // how often it looks, whatever the kernel says; 0: 30 s
	Poll  time.Duration // how often it looks when the kernel refuses; 0: 2 s
	Log   *slog.Logger  // nil: discard

	open func() (*fsnotify.Watcher, error) // for tests; nil: fsnotify's
}

// restless is after how many quiet times it tells although there is no quiet.
const restless = 10

// Watch tells out which of paths may have changed, as they were given, until
// ctx is done; then it returns why. A directory stands for everything below it.
// A path need not be there yet.
//
// All of paths are told first, once they are watched, so that whoever reads on
// every telling misses nothing. While nobody receives, what there is to tell
// is gathered. Several changes within the quiet time are told once.
func (w Watcher) Watch(ctx context.Context, paths []string, out chan<- []string) error {
	w.Quiet = cmp.Or(w.Quiet, 50*time.Millisecond)
	w.Sweep = cmp.Or(w.Sweep, 30*time.Second)
	w.Poll = cmp.Or(w.Poll, 2*time.Second)
	w.Log = cmp.Or(w.Log, slog.New(slog.DiscardHandler))
	if w.open == nil {
		w.open = fsnotify.NewWatcher
	}
	r := &round{Watcher: w, kernel: newKernel(w.open)}
	defer r.kernel.close()
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		absolute, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		r.targets = append(r.targets, &target{asked: p, absolute: absolute})
	}
	return r.run(ctx, out)
}

// round is one run of Watch.
type round struct {
	Watcher
	kernel  *kernel
	targets []*target
	polling bool
	dirty   map[*target]struct{} // something happened; looked at after the quiet time
	since   time.Time            // when the first of dirty became so
	news    map[string]struct{}  // to be told
}

func (r *round) run(ctx context.Context, out chan<- []string) error {
	r.dirty, r.news = map[*target]struct{}{}, map[string]struct{}{}
	r.look(r.targets)
	for _, t := range r.targets {
		r.news[t.asked] = struct{}{}
	}
	quiet, sweep := time.NewTimer(r.Quiet), time.NewTimer(r.pause())
	quiet.Stop()
	defer quiet.Stop()
	defer sweep.Stop()
	for {
		told, ready := r.ready(out)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case told <- ready:
			clear(r.news)
		case e := <-r.kernel.events():
			if r.mark(filepath.Clean(e.Name)) {
				quiet.Reset(r.quietFor())
			}
		case err := <-r.kernel.errors():
			r.Log.Debug("the kernel lost track of files; looking at all of them", "err", err)
			r.markAll()
			quiet.Reset(r.quietFor())
		case <-quiet.C:
			r.settle()
		case <-sweep.C:
			for _, t := range r.look(r.targets) {
				r.news[t.asked] = struct{}{}
			}
			sweep.Reset(r.pause())
		}
	}
}

// ready is out and what to send to it, or a channel that never receives.
func (r *round) ready(out chan<- []string) (chan<- []string, []string) {
	if len(r.news) == 0 {
		return nil, nil
	}
	return out, slices.Sorted(maps.Keys(r.news))
}

// mark notes whom a name concerns to which something happened, and tells
// whether it concerns any.
func (r *round) mark(name string) bool {
	hit, what := false, happened(name)
	for _, t := range r.targets {
		if what.concerns(t) {
			r.markOne(t)
			hit = true
		}
	}
	return hit
}

func (r *round) markAll() {
	for _, t := range r.targets {
		r.markOne(t)
	}
}

func (r *round) markOne(t *target) {
	if len(r.dirty) == 0 {
		r.since = time.Now()
	}
	r.dirty[t] = struct{}{}
}

// quietFor is how long to wait for quiet; less when there was none for long.
func (r *round) quietFor() time.Duration {
	left := restless*r.Quiet - time.Since(r.since)
	return max(0, min(r.Quiet, left))
}

// settle looks at what is dirty, so that new directories are watched before
// anybody reads them, and has it told whatever it sees: two quick writes of
// equal length leave no trace in the times of a file.
func (r *round) settle() {
	r.look(slices.Collect(maps.Keys(r.dirty)))
	for t := range r.dirty {
		r.news[t.asked] = struct{}{}
	}
	clear(r.dirty)
}

func (r *round) pause() time.Duration {
	if r.polling {
		return r.Poll
	}
	return r.Sweep
}

// look surveys targets, has the kernel watch what they depend on now, and
// returns those that are not as they were.
func (r *round) look(targets []*target) (changed []*target) {
	r.kernel.begin()
	l := &look{kernel: r.kernel, seen: map[string]sight{}, dirs: map[string]*way{}}
	for _, t := range targets {
		if t.survey(l) {
			changed = append(changed, t)
		}
	}
	needed, passed := map[string]struct{}{}, map[*way]struct{}{}
	for _, t := range r.targets {
		t.needs(needed, passed)
	}
	refused := r.kernel.end(needed)
	if polling := refused != nil; polling != r.polling {
		r.polling = polling
		r.sayPolling(refused)
	}
	return changed
}

func (r *round) sayPolling(refused error) {
	if !r.polling {
		r.Log.Info("the kernel tells of changed files again")
		return
	}
	r.Log.Warn("the kernel does not tell of changed files, looking every few seconds instead; "+
		"raise fs.inotify.max_user_watches and fs.inotify.max_user_instances", "every", r.Poll, "err", refused)
}
