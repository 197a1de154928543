package runtime

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/command"
	"github.com/wconf/wconf/runtime/backend/env"
	"github.com/wconf/wconf/runtime/backend/etcd"
	"github.com/wconf/wconf/runtime/backend/file"
	"github.com/wconf/wconf/runtime/backend/rancher"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/problem"
)

// Backends are the stores that keys can come from.
var Backends = []backend.Factory{etcd.Factory, rancher.Factory, file.Factory, env.Factory, command.Factory}

// BackendNames is every name that -backend takes.
func BackendNames() (names []string) {
	for _, f := range Backends {
		names = append(append(names, f.Name), f.Aliases...)
	}
	slices.Sort(names)
	return names
}

// FindBackend is the store of a name.
func FindBackend(name string) (backend.Factory, error) {
	for _, f := range Backends {
		if f.Name == name || slices.Contains(f.Aliases, name) {
			return f, nil
		}
	}
	hint := problem.DidYouMean(name, BackendNames())
	if hint == "" {
		hint = "there are " + strings.Join(BackendNames(), ", ")
	}
	return backend.Factory{}, &problem.Problem{Code: problem.Config, Msg: fmt.Sprintf("unknown backend %q", name), Hint: hint}
}

// store is one open store and the cache of its keys.
type store struct {
	settings config.Store
	factory  backend.Factory
	backend  backend.Backend // nil when offline
	cache    *cache.Cache
}

// stores are the open ones: resources whose settings are equal share one.
type stores struct {
	log     *slog.Logger
	notify  func()
	now     func() time.Time // nil: time.Now
	offline bool
	main    config.Store // the daemon's
	keep    string       // the cache file; "" keeps nothing

	mu      sync.Mutex
	open    []*store
	running func(*store) // starts the cache of a store that is opened later
}

// get is the store with these settings.
func (ss *stores) get(s config.Store) (*store, error) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, st := range ss.open {
		if st.settings.Equal(s) {
			return st, nil
		}
	}
	f, err := FindBackend(s.Backend)
	if err != nil {
		return nil, err
	}
	st := &store{settings: s, factory: f}
	if !ss.offline {
		if st.backend, err = f.Open(ss.config(s)); err != nil {
			return nil, fmt.Errorf("backend %s: %w", f.Name, err)
		}
	}
	st.cache = cache.New(st.backend, cache.Options{
		Name: f.Name, Notify: ss.notify, Now: ss.now, Log: ss.log, File: ss.cacheFile(s, f.Name), Store: identity(s),
	})
	ss.open = append(ss.open, st)
	if ss.running != nil {
		ss.running(st)
	}
	return st, nil
}

// cacheFile is where the keys of a store are kept: the daemon's own in the file
// that was asked for, those of a [backend] table beside it. Stores that are
// files themselves need none.
func (ss *stores) cacheFile(s config.Store, name string) string {
	switch {
	case ss.keep == "" || ss.offline || name == "file" || name == "env":
		return ""
	case s.Equal(ss.main):
		return ss.keep
	}
	return fmt.Sprintf("%s.%.8x", ss.keep, sha256.Sum256([]byte(identity(s))))
}

// identity tells a store from others by what decides over its keys.
func identity(s config.Store) string {
	return fmt.Sprintf("%s nodes %q files %q command %q srv %q %q user %q cert %q identity %q bare %v null %v",
		s.Backend, s.Nodes, s.Files, s.Command, s.SRVDomain, s.SRVRecord, s.Username, s.ClientCert, s.Identity, s.BareKeys, s.NullAsText)
}

func (ss *stores) config(s config.Store) backend.Config {
	c := backend.Config{
		Nodes: s.Nodes, Files: s.Files, Filter: s.Filter, Command: s.Command,
		ClientCert: s.ClientCert, ClientKey: s.ClientKey, CAKeys: s.ClientCAKeys, Insecure: s.ClientInsecure, ServerName: s.ServerName,
		Username: s.Username, Password: s.Password, Scheme: s.Scheme, SRVDomain: s.SRVDomain, SRVRecord: s.SRVRecord,
		Timeout: s.Timeout, DialTimeout: s.DialTimeout, Identity: s.Identity,
		BareKeys: s.BareKeys, NullAsText: s.NullAsText, MissingFail: s.Missing == "error", Log: ss.log,
	}
	if !s.BasicAuth { // confd's documentation: without -basic-auth the two are ignored
		c.Username, c.Password = "", ""
	}
	return c
}

// wish is what a resource wants of a store.
type wish struct {
	store      *store
	roots      []string
	allowEmpty bool
}

func (w wish) equal(o wish) bool {
	return w.store == o.store && w.allowEmpty == o.allowEmpty && slices.Equal(w.roots, o.roots)
}

// ask tells each cache which keys the resources want, and which of them may all
// go at once.
func (ss *stores) ask(wishes []wish) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, st := range ss.open {
		var roots, careful []string
		for _, w := range wishes {
			if w.store != st {
				continue
			}
			roots = append(roots, w.roots...)
			if !w.allowEmpty {
				careful = append(careful, w.roots...)
			}
		}
		st.cache.AllowEmpty(carefree(roots, careful))
		st.cache.SetPrefixes(roots)
	}
}

// carefree are the roots at or below which no careful resource reads: all who
// read there have allow_empty.
func carefree(roots, careful []string) (all []string) {
	for _, root := range roots {
		if !slices.ContainsFunc(careful, func(other string) bool { return backend.Under(other, []string{root}) }) {
			all = append(all, root)
		}
	}
	return all
}

// fill lists every store once. A store that does not answer is asked again
// until its timeout.
func (ss *stores) fill(ctx context.Context) (failed []error) {
	open := ss.all()
	errs := make([]error, len(open))
	var all sync.WaitGroup
	for i, st := range open {
		all.Go(func() { errs[i] = st.fill(ctx, ss.log) })
	}
	all.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func (st *store) fill(ctx context.Context, log *slog.Logger) error {
	limit := patience(st.factory.Name, st.settings.Timeout)
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	said := false
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := st.cache.Fill(ctx)
		var p *problem.Problem
		rest := errors.Is(err, backend.ErrRefused) && st.cache.Snapshot() != nil // all that this user may read is there
		if err == nil || rest || errors.As(err, &p) && p.Code == problem.Config || !st.mendable() {
			return wrap(st.factory.Name, err)
		}
		if !said {
			log.Warn("the store does not answer; trying again", "backend", st.factory.Name, "err", err, "for", limit)
			said = true
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return wrap(st.factory.Name, err)
		}
	}
}

// patience is how long a store may take to answer. Where nobody says how long,
// rancher has the time of confd's five tries.
func patience(store string, said time.Duration) time.Duration {
	const unsaid = 30 * time.Second // also what the option defaults to
	if said <= 0 {
		said = unsaid
	}
	if store == "rancher" && said == unsaid {
		return 31 * time.Second
	}
	return said
}

// mendable tells whether asking again can help: a file that does not parse now
// does not parse in a second either.
func (st *store) mendable() bool { return st.factory.Name != "file" && st.factory.Name != "env" }

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	var p *problem.Problem
	if !errors.As(err, &p) {
		err = &problem.Problem{Code: problem.StoreDown, Msg: err.Error(), Err: err}
	}
	return fmt.Errorf("backend %s: %w", name, err)
}

// run follows every store until ctx is done, also those that are opened
// meanwhile.
func (ss *stores) run(ctx context.Context) {
	var all sync.WaitGroup
	ss.mu.Lock()
	ss.running = func(st *store) { all.Go(func() { st.cache.Run(ctx) }) }
	for _, st := range ss.open {
		ss.running(st)
	}
	ss.mu.Unlock()
	<-ctx.Done()
	ss.mu.Lock()
	ss.running = nil
	ss.mu.Unlock()
	all.Wait()
}

func (ss *stores) status() map[string]cache.Status {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	all := map[string]cache.Status{}
	for _, st := range ss.open {
		name := st.factory.Name
		for n := 2; slices.Contains(slices.Collect(maps.Keys(all)), name); n++ {
			name = fmt.Sprintf("%s-%d", st.factory.Name, n)
		}
		all[name] = st.cache.Status()
	}
	return all
}

func (ss *stores) close() error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var errs []error
	for _, st := range ss.open {
		if st.backend != nil {
			errs = append(errs, st.backend.Close())
		}
	}
	ss.open = nil
	return errors.Join(errs...)
}
