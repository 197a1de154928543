package rancher

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// start is when the backend was first asked for keys.
func (m *metadata) start() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.started.IsZero() {
		m.started = time.Now()
	}
	return m.started
}

const (
	birth      = 5 * time.Second
	birthPause = 500 * time.Millisecond
)

// awaitBirth waits a little and says so when, soon after the start, the server
// does not know this container yet.
func (m *metadata) awaitBirth(ctx context.Context, prefixes []string, s state) (again bool, err error) {
	if time.Since(m.start()) >= birth {
		return false, nil
	}
	unborn, err := m.unborn(ctx, prefixes, s)
	if err != nil || !unborn {
		return false, err
	}
	return true, pause(ctx, birthPause)
}

// unborn tells whether something below self is missing because the server has
// not heard of this container yet: then /{version}/self/container is missing,
// too (rancher/rancher#6098).
func (m *metadata) unborn(ctx context.Context, prefixes []string, s state) (bool, error) {
	for _, prefix := range prefixes {
		version, rest, _ := strings.Cut(prefix[1:], "/")
		first, _, _ := strings.Cut(rest, "/")
		if first != "self" || s.has(prefix) && rest != "self" {
			continue
		}
		container := "/" + version + "/self/container"
		if s.has(container) {
			continue
		}
		switch there, err := m.exists(ctx, container); {
		case err != nil:
			return false, err
		case !there:
			return true, nil
		}
	}
	return false, nil
}

// has tells whether there is a key at or below path.
func (s state) has(path string) bool {
	return slices.ContainsFunc(s.pairs(), func(p kv.Pair) bool { return backend.Under(p.Key, []string{path}) })
}
