// Package rancher reads keys from rancher-metadata, of both generations of the
// server, and from everything that speaks its protocol: JSON below
// /{version}/, and a long poll on /{version}/version.
//
// Every listing is stable: the server's version is the same before and after
// it. The version that a watcher holds is the one from before the read, so
// that no change is ever skipped. Nothing is asked for but the subtrees that
// somebody wants, redirects stay on the host, proxies are never used.
package rancher

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// Factory opens rancher-metadata.
var Factory = backend.Factory{
	Name: "rancher",
	Doc:  "rancher-metadata (-node, http://rancher-metadata by default); keys begin with a version, such as /latest",
	Open: open,
}

const (
	defaultTimeout  = 30 * time.Second // for one subtree
	defaultInterval = 5 * time.Second  // between looks at a server that does not wait
	defaultDial     = 5 * time.Second
)

type metadata struct {
	life        backend.Lifetime
	http        *http.Client
	nodes       *nodes
	identity    string
	nullAsText  bool
	missingFail bool
	timeout     time.Duration
	interval    time.Duration
	log         *slog.Logger
	last        atomic.Pointer[held]
	broke       atomic.Bool // a Watch has failed since the last read

	mu      sync.Mutex
	warned  map[string]struct{} // what has been warned of
	started time.Time           // the first listing
}

func open(c backend.Config) (backend.Backend, error) {
	nodes, err := newNodes(c)
	if err != nil {
		return nil, err
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &metadata{
		http:        newClient(cmp.Or(c.DialTimeout, defaultDial)),
		nodes:       nodes,
		identity:    c.Identity,
		nullAsText:  c.NullAsText,
		missingFail: c.MissingFail,
		timeout:     cmp.Or(c.Timeout, defaultTimeout),
		interval:    cmp.Or(c.Interval, defaultInterval),
		log:         log,
		warned:      map[string]struct{}{},
	}, nil
}

// List implements backend.Backend. A path that is not there has no keys; one
// below self is waited for as long as the server does not know this container
// yet, in the first seconds only.
func (m *metadata) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	ctx, free := m.life.Bind(ctx)
	defer free()
	for {
		s, err := m.read(ctx, prefixes, nil)
		if err != nil {
			return backend.Listing{}, err
		}
		switch again, err := m.awaitBirth(ctx, prefixes, s); {
		case err != nil:
			return backend.Listing{}, err
		case again:
			continue
		}
		if err := m.accept(s); err != nil {
			return backend.Listing{}, err
		}
		return backend.Listing{Pairs: s.pairs(), Cursor: s.cursor()}, nil
	}
}

// Close implements backend.Backend.
func (m *metadata) Close() error {
	m.life.Close()
	m.http.CloseIdleConnections()
	return nil
}

// accept decides about the paths that are not there, and warns of them and of
// names that merged, each once.
func (m *metadata) accept(s state) error {
	for _, path := range s.missing {
		if m.missingFail {
			return &missingError{path}
		}
		m.once("missing "+path, "the metadata has nothing under this path; the first part of a key or prefix must be a version, such as /latest", path)
	}
	for _, path := range s.merged {
		m.once("merged "+path, "several elements of a list have one name; their keys are merged, the last one stands", path)
	}
	m.forget(s)
	return nil
}

// once warns of a path for the first time.
func (m *metadata) once(what, message, path string) {
	m.mu.Lock()
	_, again := m.warned[what]
	m.warned[what] = struct{}{}
	m.mu.Unlock()
	if !again {
		m.log.Warn(message, "backend", Factory.Name, "key", path)
	}
}

// forget lets a path that is there again be warned of anew.
func (m *metadata) forget(s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, path := range s.present {
		delete(m.warned, "missing "+path)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
