// Package render is the promise between wconf and a rendering engine: keys in,
// bytes out. Template engines and guests live in the folders below it.
//
// A renderer never writes a file, never runs a command, and reads keys only
// through its View.
package render

import (
	"context"

	"github.com/wconf/wconf/runtime/kv"
)

// Renderer makes the whole content of one file from the keys in v, or fails.
// It is safe for concurrent use; each call has a View of its own. Errors that
// a user can mend are *problem.Problem.
type Renderer interface {
	Render(ctx context.Context, v *kv.View) ([]byte, error)
}

// Filter rewrites rendered bytes.
type Filter interface {
	Filter(ctx context.Context, v *kv.View, content []byte) ([]byte, error)
}

// Checker judges rendered bytes before check_cmd sees them; nil accepts.
type Checker interface {
	Check(ctx context.Context, v *kv.View, content []byte) error
}

// Functions adds functions to Go templates. Names are bare ("cidrhost"); the
// engine puts the name under which the resource imports the set, and an
// underscore, before them ("net_cidrhost").
type Functions interface {
	// Names maps each function to its number of arguments.
	Names() map[string]int
	// Open starts the functions for one execution of a template; Close ends it.
	Open(ctx context.Context, v *kv.View) (Calls, error)
}

// Calls is a set of functions during one execution of a template.
type Calls interface {
	Call(ctx context.Context, name string, args []string) (string, error)
	Close() error
}
