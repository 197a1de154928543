package runtime

import (
	"context"
	"maps"
	"slices"

	"github.com/wconf/wconf/runtime/notify"
)

// follow picks up edited, added and removed resources and templates until ctx
// is done.
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
			case <-round.Done():
			}
		}
		stop()
		<-ended
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
