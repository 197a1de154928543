package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// Look is a look at one resource: the keys it may see, what they would make of
// its file, and what stands there. Looking writes nothing at the destination,
// takes no lock and runs no command.
type Look struct {
	Config *config.Resource
	rt     *Runtime
	built  *built
}

// ErrNoResource is wrapped by the error of a name that no resource has.
var ErrNoResource = errors.New("no such resource")

// Look finds a resource by its name, its file, or its destination. One that
// does not load is an error: its problems, joined.
func (rt *Runtime) Look(name string) (Look, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var names []string
	for _, r := range rt.set.Resources {
		names = append(names, r.Name)
		if r.Name == name || samePath(r.File, name) || filepath.Base(r.File) == name || samePath(r.Dest, name) {
			return rt.look(r)
		}
	}
	for _, p := range rt.set.Problems { // its file does not parse
		if samePath(p.File, name) || samePath(p.File, filepath.Join(rt.opt.Daemon.Confdir, "conf.d", name+".toml")) {
			return Look{}, p
		}
	}
	return Look{}, &problem.Problem{Code: problem.Config, Msg: fmt.Sprintf("there is no resource %q", name), Hint: problem.DidYouMean(name, names), Err: ErrNoResource}
}

// Looks is a look at each resource that loads, in the order of their files.
func (rt *Runtime) Looks() []Look {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var all []Look
	for _, r := range rt.set.Resources {
		if l, err := rt.look(r); err == nil {
			all = append(all, l)
		}
	}
	return all
}

func (rt *Runtime) look(r *config.Resource) (Look, error) {
	b := rt.built[r.Name]
	if b.resource != nil {
		return Look{Config: r, rt: rt, built: b}, nil
	}
	errs := make([]error, len(b.problems))
	for i, p := range b.problems {
		errs[i] = p
	}
	return Look{}, errors.Join(errs...)
}

func samePath(a, b string) bool {
	left, err := filepath.Abs(a)
	right, err2 := filepath.Abs(b)
	return err == nil && err2 == nil && left == right
}

// Scope is which keys the resource may see.
func (l Look) Scope() kv.Scope { return l.built.resource.Scope() }

// Files is the template or guest of the resource, and what these include.
func (l Look) Files() []string {
	files := l.built.sources.paths()
	slices.Sort(files)
	return files
}

// Backend is the name of the store that the keys come from.
func (l Look) Backend() string { return l.built.store.factory.Name }

// Snapshot is what the resource's store holds; the store is listed at the first
// look at it.
func (l Look) Snapshot(ctx context.Context) (*kv.Snapshot, error) {
	st := l.built.store
	if s := st.cache.Snapshot(); s != nil {
		return s, nil
	}
	if err := st.fill(ctx, l.rt.log); err != nil {
		return nil, err
	}
	return st.cache.Snapshot(), nil
}

// Plan renders the resource from a snapshot; a plan comes with an error, too,
// and says what was read.
func (l Look) Plan(ctx context.Context, s *kv.Snapshot) (*resource.Plan, error) {
	return l.built.resource.Plan(ctx, s)
}

// Vet tells whether output_format or a check of the resource refuses a plan,
// which from then on knows what checks read, too.
func (l Look) Vet(ctx context.Context, p *resource.Plan) error {
	asked, err := l.built.resource.Vet(ctx, p, p.Snapshot)
	if asked != nil {
		p.Reads = p.Reads.Union(*asked)
	}
	return err
}

// Standing is what stands at a destination, beside what should.
type Standing struct {
	Path       string // links followed
	Content    []byte
	Exists     bool
	Private    bool // only its owner may read it
	Difference stage.Difference
}

// Compare looks at the destination.
func (l Look) Compare(ctx context.Context, content []byte) (Standing, error) {
	target := l.rt.target(&built{config: l.Config})
	target.KeepStage = false
	staged, err := stage.Dry{}.Stage(ctx, target, content)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Path: staged.Path(), Difference: staged.Difference()}
	s.Content, s.Exists = staged.Old()
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(s.Path); err == nil {
		mode = info.Mode()
	}
	if target.HasMode {
		mode &= target.Mode // what either hides is hidden
	}
	s.Private = mode.Perm()&0o077 == 0
	return s, nil
}

// Secret tells whether a key, relative to the prefix, is one of those that the
// resource calls secret.
func (l Look) Secret(key string) bool {
	return slices.ContainsFunc(l.Config.Secret, func(pattern string) bool { return kv.Matches(pattern, key) })
}

// Conditions is what reload_when (with window and min_reload_interval) and
// guard look at; the zero value where there is none.
func (l Look) Conditions() (reload, guard gate.Reads) {
	r, g, err := conditions(l.Config)
	if err != nil { // a resource that loads has good conditions
		return reload, guard
	}
	if r != nil {
		reload = r.Reads()
	}
	if g != nil {
		guard = g.Reads()
	}
	return reload, guard
}

// ReadKeys lists a store once: everything at or below the full keys of roots.
func ReadKeys(ctx context.Context, s config.Store, log *slog.Logger, roots ...string) (*kv.Snapshot, error) {
	ss := &stores{log: log, notify: func() {}}
	defer ss.close() //nolint:errcheck // nothing was written
	st, err := ss.get(s)
	if err != nil {
		return nil, err
	}
	st.cache.SetPrefixes(roots)
	if err := st.fill(ctx, log); err != nil {
		return nil, err
	}
	return st.cache.Snapshot(), nil
}
