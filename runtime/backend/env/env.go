// Package env reads keys from the environment of the process: confd's env
// backend. MY_KEY is /my/key.
//
// The environment is read once, when the backend is opened, since nobody can
// change it from outside. Values never leave by another way than as keys.
package env

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// Factory opens the environment.
var Factory = backend.Factory{
	Name:  "env",
	Doc:   "the environment: /my/key is the variable MY_KEY",
	Open:  func(c backend.Config) (backend.Backend, error) { return read(os.Environ(), c.Log), nil },
	Spell: Spell,
}

// Spell is how the environment writes a key: in lower case, and with a slash
// for every underscore ("/wct/max_conn" is "/wct/max/conn").
func Spell(key string) string { return strings.ToLower(strings.ReplaceAll(key, "_", "/")) }

// pulse is how often a watch says that nothing has changed.
const pulse = 5 * time.Second

type environment struct {
	life      backend.Lifetime
	variables []variable
}

// variable is one variable: its name as it is and as a path (MAX_conn is
// "/MAX/conn"), and the pair it makes.
type variable struct{ name, path, key, value string }

// read turns variables into keys: the name in lower case, a slash before it
// and for each underscore. Empty segments are dropped, and the name that has
// none beats those that have (FOO beats FOO_).
func read(environ []string, log *slog.Logger) *environment {
	e := &environment{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		segments := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '/' })
		if len(segments) > 0 {
			path := "/" + strings.Join(segments, "/")
			e.variables = append(e.variables, variable{name, path, strings.ToLower(path), value})
		}
	}
	slices.SortFunc(e.variables, func(a, b variable) int {
		if a.key != b.key {
			return strings.Compare(a.key, b.key)
		}
		if len(a.name) != len(b.name) {
			return len(b.name) - len(a.name)
		}
		return strings.Compare(a.name, b.name)
	})
	e.onePerKey(log)
	return e
}

// onePerKey drops all but the last variable of each key, and says so.
func (e *environment) onePerKey(log *slog.Logger) {
	kept := e.variables[:0]
	for i, v := range e.variables {
		if i+1 == len(e.variables) || e.variables[i+1].key != v.key {
			kept = append(kept, v)
		} else if log != nil && e.variables[i+1].name != v.name {
			log.Warn("two variables are one key; the second stands", "key", v.key, "first", v.name, "second", e.variables[i+1].name)
		}
	}
	e.variables = kept
}

// below returns the pairs of the variables that begin with a prefix as the
// environment writes it: in upper case, by whole segments. So variables in
// lower case only come with "/", as in confd.
func (e *environment) below(prefixes []string) []kv.Pair {
	upper := make([]string, len(prefixes))
	for i, p := range prefixes {
		upper[i] = strings.ToUpper(Spell(p))
	}
	pairs := []kv.Pair{}
	for _, v := range e.variables {
		if backend.Under(v.path, upper) {
			pairs = append(pairs, kv.Pair{Key: v.key, Value: v.value})
		}
	}
	return pairs
}

// List implements backend.Backend.
func (e *environment) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	ctx, free := e.life.Bind(ctx)
	defer free()
	if ctx.Err() != nil {
		return backend.Listing{}, context.Cause(ctx)
	}
	pairs := e.below(prefixes)
	return backend.Listing{Pairs: pairs, Cursor: backend.ContentCursor(pairs)}, nil
}

// Watch implements backend.Backend. It only says, again and again, that
// nothing has changed.
func (e *environment) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	ctx, free := e.life.Bind(ctx)
	defer free()
	pairs := e.below(prefixes)
	beat := time.NewTicker(pulse)
	defer beat.Stop()
	for {
		var err error
		if from, err = backend.Offer(ctx, out, pairs, from); err != nil {
			return err
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close implements backend.Backend.
func (e *environment) Close() error { return e.life.Close() }
