package funcs

import (
	"context"
)

// Pair is a key and its value, as get and gets return them.
type Pair struct{ Key, Value string }

// Keys is the keys of one execution, and the record of what it looked at.
// *kv.View has the same methods, but for the type of the pairs.
type Keys interface {
	Get(key string) (value string, ok bool)
	Exists(key string) bool
	Glob(pattern string) ([]Pair, error)
	List(dir string) []string
	ListDirs(dir string) []string
	NoteWorld(function string)
}

// Run is one execution of a template: what its functions may look at and what
// they may spend. One Run serves many executions, one after the other; its
// functions are bound once.
type Run struct {
	Budget Budget

	world    World
	keyring  *Keyring
	include  func(name string, data any) (string, error)
	keys     Keys
	ctx      context.Context
	globs    map[string][]Pair
	patterns map[string]pattern // kept from one execution to the next
	shapes   shapes
}

// NewRun is a Run that looks at world, decrypts with keyring, which may be nil,
// and includes templates by include.
func NewRun(world World, keyring *Keyring, include func(name string, data any) (string, error)) *Run {
	return &Run{world: world.orReal(), keyring: keyring, include: include}
}

// Begin makes r ready for the next execution.
func (r *Run) Begin(ctx context.Context, keys Keys, limits Limits) {
	r.ctx, r.keys = ctx, keys
	r.Budget = Budget{ctx: ctx, fuel: limits.Fuel, bytes: limits.Bytes, most: limits.Output}
	r.shapes.most = limits.Output
}

// End lets go of everything that belongs to the last execution.
func (r *Run) End() {
	r.ctx, r.keys, r.globs, r.Budget, r.shapes = nil, nil, nil, Budget{}, shapes{}
}
