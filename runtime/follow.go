package runtime

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/notify"
)

// gather is for how long renders that come to files which are not watched yet
// are taken together: at a start there may be thousands.
const gather = 50 * time.Millisecond

// follow picks up edited, added and removed resources and templates until ctx
// is done. What a render includes by a computed name is known once it has come
// to it; as all files are told when they are watched, and then read and
// compared, nothing that happens to such a file in between is missed.
func (rt *Runtime) follow(ctx context.Context) {
	for ctx.Err() == nil {
		round, stop := context.WithCancel(ctx)
		paths := rt.files()
		changed, ended := make(chan []string), make(chan struct{})
		go func() {
			defer close(ended)
			if err := (notify.Watcher{Log: rt.log}).Watch(round, paths, changed); round.Err() == nil {
				rt.log.Warn("edited files are only seen after a restart or SIGHUP", "err", err)
				<-round.Done()
			}
		}()
		for round.Err() == nil && slices.Equal(paths, rt.files()) {
			select {
			case <-changed:
				rt.Reload()
			case <-rt.strange:
				sleep(round, gather)
			case <-round.Done():
			}
		}
		stop()
		<-ended
	}
}

// met says that a render came to a file that is not watched.
func (rt *Runtime) met() {
	select {
	case rt.strange <- struct{}{}:
	default:
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// files is everything that the configuration is made of.
func (rt *Runtime) files() []string {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	all := map[string]struct{}{}
	if rt.opt.Single != "" {
		all[rt.opt.Single] = struct{}{}
	} else {
		all[rt.opt.Daemon.Confdir+"/conf.d"] = struct{}{}
	}
	for _, b := range rt.built {
		for _, path := range b.sources.paths() {
			all[path] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Reload reads the configuration again: conf.d and what it names. A file that
// cannot be used keeps its last good version; what is wrong is logged once.
func (rt *Runtime) Reload() {
	before := rt.Problems()
	if err := rt.load(); err != nil {
		if rt.opt.Loading.Err() != nil {
			return // wconf is about to end
		}
		rt.log.Error("the configuration stays as it was", "err", err)
		return
	}
	said := map[string]bool{}
	for _, p := range before {
		said[p.Error()] = true
	}
	for _, p := range rt.Problems() {
		if !said[p.Error()] {
			rt.log.Error("the last good version stays: "+p.Msg, "code", p.Code, "place", p.Place(), "hint", p.Hint)
		}
	}
}
