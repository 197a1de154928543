package testrun

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	wconf "github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
)

var errAway = errors.New("the store is away (backend-down)")

// do makes happen what a step is about.
func (p *play) do(what string, content *string) {
	if p.rt == nil && slices.Contains([]string{"tick", "reload", "restart", "template-edit"}, what) {
		p.fault("nothing runs, so there is no %s", what)
		return
	}
	switch what {
	case "start":
		p.start()
	case "tick":
		p.rt.Tick()
	case "reload":
		p.rt.Reload()
	case "restart":
		p.rt.Close() //nolint:errcheck // it has no store
		p.rt = nil
		p.start()
	case "backend-down":
		if p.rt != nil {
			if p.fed {
				p.rt.Feed(backend.Batch{}) // it was there until now
			}
			p.rt.Lose(errAway)
		}
		p.down = true
	case "backend-up":
		p.down = false
		p.feedAll()
	case "template-edit":
		p.edited[p.conf.Path(p.conf.Src)] = []byte(*content)
		p.rt.Reload()
	case "edit-dest":
		p.disk.put(p.conf.Dest, []byte(*content))
		p.look()
	case "remove-dest":
		if !p.disk.remove(p.conf.Dest) {
			p.fault("there is no %s to remove", p.conf.Dest)
		}
		p.look()
	case "disk-full":
		p.disk.setFull(true)
	}
}

func (p *play) look() {
	if p.rt != nil {
		p.rt.Tick()
	}
}

// start opens the runtime as a daemon that begins.
func (p *play) start() {
	rt, err := p.world.open(wconf.Options{
		Log: p.journal.logger(), Stager: p.disk, Commands: p.commands, Now: p.clock.Now,
		World:  p.machine(&p.clock, p.disk, p.res.warn),
		Daemon: config.Daemon{StateDir: p.stateDir()},
	}, wconf.Offline{
		ReadFile:  p.readSource,
		Observer:  resource.Observer{Planned: p.planned, Judged: p.judged, Applied: p.applied},
		GuestUsed: p.guestUsed,
	})
	if err != nil {
		p.fault("the resource does not open: %v", err)
		return
	}
	p.rt = rt
	p.rt.Sweep()
	p.fed = false
	if p.down {
		p.rt.Lose(errAway)
		return
	}
	p.feedAll()
}

// stateDir is where a daemon that restarts finds what it knew; a case that does
// not restart needs none.
func (p *play) stateDir() string {
	restarts := slices.ContainsFunc(p.row.Steps, func(s Step) bool { return s.Do == "restart" })
	if restarts && p.state == "" {
		dir, err := os.MkdirTemp("", "wconf-test-")
		if err != nil {
			p.fault("no state directory: %v", err)
		}
		p.state = dir
	}
	return p.state
}

func (p *play) readSource(path string) ([]byte, error) {
	if content, ok := p.edited[path]; ok {
		return content, nil
	}
	return p.world.read(path)
}

// feedAll hands everything that the store holds to the cache.
func (p *play) feedAll() {
	if p.rt == nil || p.down {
		return
	}
	all := make([]kv.Pair, 0, len(p.keys))
	for k, v := range p.keys {
		all = append(all, kv.Pair{Key: k, Value: v})
	}
	p.rt.Feed(backend.Batch{Full: true, Puts: all})
	p.fed = true
}

// change is one step of the store's history. A delete takes a key and
// everything below it.
func (p *play) change(set map[string]string, del, path []string) {
	var b backend.Batch
	for i, k := range del {
		gone := p.below(p.scope.Prefix() + k)
		if len(gone) == 0 {
			p.faultAt(append(slices.Clone(path), "delete", fmt.Sprint(i)), "there is no key %s to delete", k)
		}
		b.Deletes = append(b.Deletes, gone...)
	}
	for _, k := range b.Deletes {
		delete(p.keys, k)
	}
	for k, v := range set {
		b.Puts = append(b.Puts, kv.Pair{Key: p.scope.Prefix() + k, Value: v})
		p.keys[p.scope.Prefix()+k] = v
	}
	if p.rt != nil && !p.down && len(b.Puts)+len(b.Deletes) > 0 {
		p.rt.Feed(b)
	}
}

func (p *play) below(key string) (found []string) {
	for k := range p.keys {
		if k == key || strings.HasPrefix(k, key+"/") {
			found = append(found, k)
		}
	}
	return found
}

// fault is a step that cannot be done.
func (p *play) fault(format string, args ...any) { p.faultAt(p.step.path, format, args...) }

func (p *play) faultAt(path []string, format string, args ...any) {
	p.res.fail(Failure{Place: p.file.place(path...), Step: p.step.title(), Msg: fmt.Sprintf(format, args...)})
}
