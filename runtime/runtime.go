// Package runtime is wconf without its command line: it opens a configuration,
// puts the rooms below it together and runs them.
//
//	rt, err := runtime.Open(runtime.Options{Daemon: daemon, Log: log})
//	...
//	defer rt.Close()
//	err = rt.Run(ctx) // or rt.Once(ctx)
//
// It decides nothing that a room below could decide.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// Options say what to run. Only Daemon is needed; what is left out is the real
// part.
type Options struct {
	Daemon config.Daemon
	// Single is the one resource file that is processed instead of conf.d, and
	// Templates the directory of its template.
	Single, Templates string
	Log               *slog.Logger // nil: discard

	Stager   resource.Stager
	Commands command.Runner
	World    funcs.World // what templates see of the machine
	// Observer is told what the engine does, whose loop turns at least every
	// Pulse; zero: when there is something to do.
	Observer engine.Observer
	Pulse    time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Offline opens no store: keys come from Feed, and Step moves the clock.
	Offline *Offline
	// Ahead lets Open ask the stores for their keys while templates are
	// compiled, for Once, until this context ends. Nil: Open touches no store.
	Ahead context.Context
	// Loading ends the loads of guests: compiling them may take long. Open then
	// fails with its error, and a Reload changes nothing. Nil: they go on to their
	// end.
	Loading context.Context
	// Background lets a large guest that is not compiled yet begin in the
	// interpreter: for Run, which must not wait. Once would compile in vain.
	Background bool
}

// Runtime is an open configuration.
type Runtime struct {
	opt    Options
	log    *slog.Logger
	engine *engine.Engine
	stores *stores
	guests *Guests
	ledger *ledger.Ledger
	labels map[string]string

	keyring *funcs.Keyring
	heard   chan struct{} // a store has news
	strange chan struct{} // a render came to a file that is not watched
	ahead   *ahead        // what Once will find done

	mu    sync.Mutex
	set   *config.Set
	built map[string]*built // by the name of the resource
}

// Open loads the configuration and prepares every resource. What is wrong with
// single resources is not an error here: see Problems. It touches no store and
// no destination.
func Open(o Options) (*Runtime, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := o.Daemon
	if o.Stager == nil {
		disk := &stage.Disk{NoSync: !d.FSync, Log: o.Log}
		o.Stager = disk
		if d.Noop {
			o.Stager = stage.Dry{Disk: disk}
		}
	}
	if o.Commands == nil {
		o.Commands = command.Exec{Shutdown: d.ShutdownTimeout}
	}
	host, _ := os.Hostname()
	rt := &Runtime{
		opt: o, log: o.Log, guests: o.Offline.guests(d.StateDir, o.Log), ledger: ledger.Open(d.StateDir),
		labels: o.Offline.labels(host), heard: make(chan struct{}, 1), strange: make(chan struct{}, 1),
	}
	if rt.opt.Loading == nil {
		rt.opt.Loading = context.Background()
	}
	if o.Background {
		rt.guests.background = true
	}
	writers := 0
	if !d.FSync { // nothing to wait for meanwhile, and who makes files in one directory side by side waits for each other
		writers = 1
	}
	rt.engine = engine.New(engine.Options{
		Writers:  writers,
		Interval: d.Interval, Poll: !d.Watch, FailFast: d.FailureMode == "fail-fast", Grace: d.ShutdownTimeout, Steady: o.Offline != nil,
		Observer: o.Observer, Pulse: o.Pulse, Now: o.Now, Log: o.Log,
	})
	rt.stores = &stores{log: o.Log, notify: rt.hear, now: o.Now, offline: o.Offline != nil, main: d.Store, keep: d.CacheFile}
	if d.SecretKeyring != "" {
		if err := rt.openKeyring(d.SecretKeyring); err != nil {
			return nil, err
		}
	}
	if o.Ahead != nil {
		rt.prepareAhead(o.Ahead)
	}
	if err := rt.load(); err != nil {
		rt.Close()
		return nil, err
	}
	return rt, nil
}

func (rt *Runtime) openKeyring(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("secret keyring: %w", err)
	}
	defer f.Close()
	rt.keyring, err = funcs.ReadKeyring(f)
	if err != nil {
		return fmt.Errorf("secret keyring %s: %w", path, err)
	}
	return nil
}

// Close frees what is open. Run and Once must have returned.
func (rt *Runtime) Close() error {
	rt.ahead.abandon()
	err := rt.stores.close()
	if !rt.guests.shared {
		err = errors.Join(err, rt.guests.Close())
	}
	return err
}

// load reads conf.d and puts the resources into the engine. What did not
// change goes on as it was.
func (rt *Runtime) load() error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	set, err := rt.read(rt.set)
	if err != nil {
		return err
	}
	rt.set = set
	if ctx := rt.opt.Ahead; ctx != nil && rt.built == nil {
		rt.ahead = rt.fillAhead(ctx, set.Resources)
	}
	var members []engine.Member
	now := map[string]*built{}
	for i, b := range rt.buildAll(set.Resources) {
		r := set.Resources[i]
		now[r.Name] = b
		if b.resource != nil {
			members = append(members, engine.Member{Resource: b.resource, Source: b.store.cache})
		}
	}
	if err := rt.opt.Loading.Err(); err != nil { // what is wrong now is so for that alone
		return fmt.Errorf("load: %w", err)
	}
	rt.built = now
	wishes := rt.wishes()
	if rt.ahead != nil && !slices.EqualFunc(rt.ahead.wishes, wishes, wish.equal) {
		rt.ahead.abandon() // a resource fell out: nobody may be kept from its keys by what that one asked for
		rt.ahead = nil
	}
	rt.stores.ask(wishes)
	rt.engine.Set(members)
	return nil
}

func (rt *Runtime) read(before *config.Set) (*config.Set, error) {
	if rt.opt.Single != "" {
		return config.LoadOne(rt.opt.Single, rt.opt.Templates, before), nil
	}
	return config.LoadResources(rt.opt.Daemon.Confdir, before)
}

// Problems is what is wrong with the configuration: files that cannot be used,
// templates that do not parse, conditions that do not compile. The resources
// that are not named work.
func (rt *Runtime) Problems() []*problem.Problem {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	all := append([]*problem.Problem(nil), rt.set.Problems...)
	for _, r := range rt.set.Resources {
		all = append(all, rt.built[r.Name].problems...)
	}
	return all
}

// Warnings is what is odd about the configuration and works all the same.
func (rt *Runtime) Warnings() []*problem.Problem {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	all := append([]*problem.Problem(nil), rt.set.Warnings...)
	for _, r := range rt.set.Resources {
		all = append(all, rt.built[r.Name].warnings...)
	}
	return all
}

// Resources is the names of the resources that work, in the order of their
// files.
func (rt *Runtime) Resources() []string {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var names []string
	for _, r := range rt.set.Resources {
		if rt.built[r.Name].resource != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

// Status is how the resources stand. While its store is away, one that would
// be in sync is stale; one whose keys the store refuses has failed.
func (rt *Runtime) Status() []engine.Status {
	all := rt.engine.Status()
	rt.mu.Lock()
	defer rt.mu.Unlock()
	now := rt.now()
	for i, s := range all {
		b := rt.built[s.Resource]
		if b == nil || s.State != resource.InSync {
			continue
		}
		if refused, since := b.refused(); len(refused) > 0 {
			all[i].State, all[i].Step, all[i].Since = resource.Failed, "keys", since
			all[i].Err = &problem.Problem{Code: problem.StoreDown, Msg: "the store does not let this user read " + strings.Join(refused, " ")}
		} else if b.store.cache.Status().Stale(now) {
			all[i].State = resource.Stale
		}
	}
	return all
}

func (rt *Runtime) now() time.Time {
	if rt.opt.Now == nil {
		return time.Now()
	}
	return rt.opt.Now()
}

// Stores is how the caches stand with their stores, by the store's name.
func (rt *Runtime) Stores() map[string]cache.Status { return rt.stores.status() }

// Once renders and applies every resource one time, in the order of their
// files, as -onetime does. The error joins everything that failed.
func (rt *Runtime) Once(ctx context.Context) error {
	rt.sayOnce()
	if p := rt.Problems(); len(p) > 0 && rt.opt.Daemon.FailureMode == "fail-fast" {
		return p[0]
	}
	failed := rt.filled(ctx)
	rt.sayEmpty(map[*store]bool{})
	rt.sweep()
	for _, s := range rt.engine.Once(ctx) {
		switch {
		case s.Err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", s.Resource, s.Err))
		case s.State == resource.Held:
			rt.log.Info("held back; a one-shot run does not wait for it", "resource", s.Resource, "why", s.Last.Why)
		}
	}
	for _, p := range rt.Problems() {
		failed = append(failed, p)
	}
	return errors.Join(failed...)
}

// Run keeps the destinations in step with the keys until ctx is done, and
// picks up edited configuration and templates.
func (rt *Runtime) Run(ctx context.Context) error {
	rt.sayOnce()
	rt.sweep()
	var all sync.WaitGroup
	defer all.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	all.Go(func() { rt.stores.run(ctx) })
	all.Go(func() { rt.follow(ctx) })
	all.Go(func() { rt.followEmpty(ctx) })
	return rt.engine.Run(ctx)
}

// sayOnce logs what is wrong or odd about the configuration.
func (rt *Runtime) sayOnce() {
	for _, p := range rt.Problems() {
		rt.log.Error("Cannot process template resource", "err", p.Msg, "code", p.Code, "place", p.Place(), "hint", p.Hint)
	}
	for _, p := range rt.Warnings() {
		rt.log.Warn(p.Msg, "code", p.Code, "place", p.Place(), "hint", p.Hint)
	}
	if len(rt.Resources()) == 0 {
		rt.log.Warn("found no resources", "dir", filepath.Join(rt.opt.Daemon.Confdir, "conf.d"))
	}
}

func (rt *Runtime) sweep() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for name, b := range rt.built {
		if b.resource == nil {
			continue
		}
		if err := b.resource.Sweep(); err != nil {
			rt.log.Warn("what a stopped run left could not be swept", "resource", name, "err", err)
		}
	}
}
