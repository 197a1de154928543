// Package gotmpl renders Go templates: confd's *.tmpl files, unchanged.
//
// A template is parsed once; each render takes a bound copy out of a pool, so
// that nothing is parsed or cloned while keys change. Every template runs with
// fuel: rounds of a range, calls of templates, written bytes and bytes that
// functions build are counted and bounded, and the context is looked at while
// it runs. Errors are *problem.Problem: they name the place and never a value.
//
// The package never parses data as a template, writes no file, and reads none
// but those that a template includes.
package gotmpl

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// Options is how a template is compiled and what it may use. The zero value
// serves for a template that includes nothing.
type Options struct {
	File string // path of the template, for errors

	// Dir is the directory of templates: what include names lies below it.
	Dir string
	// ReadFile reads an included file by its path; nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)

	// Functions are further functions by the name under which the resource
	// imports them: "net" makes net_cidrhost of "cidrhost".
	Functions map[string]render.Functions
	// Keyring makes the functions cget, cgets, cgetv and cgetvs exist.
	Keyring *funcs.Keyring
	// World is the clock, the environment, the files and the network as
	// functions see them; the zero value is the machine's own.
	World funcs.World
	// Withheld names functions that this template may not call.
	Withheld []string

	MaxFuel   int64 // steps of one render; 0 means DefaultFuel
	MaxBytes  int64 // bytes that functions build in one render; 0 means DefaultBytes
	MaxOutput int64 // bytes of the rendered text, and so of any value; 0 means DefaultOutput
}

// What a render may use when Options do not say. 50,000 keys with ten actions
// each take a million steps.
const (
	DefaultFuel   = 50_000_000
	DefaultBytes  = 128 << 20
	DefaultOutput = 32 << 20
)

// Template is a compiled template. It is a render.Renderer.
type Template struct {
	opts  Options
	words vocabulary
	root  *file

	pool sync.Pool    // of *execution
	size atomic.Int64 // of the last output

	mu       sync.Mutex
	included map[string]*file // by path, as far as they were read
	asked    []string
}

var _ render.Renderer = (*Template)(nil)

// Compile parses the text of a template. Its name is what Go's own messages
// call it: the base name of its file. What it includes by a literal name is
// read at once, so that Files is complete; an included file that is missing or
// does not parse fails the render, not Compile.
func Compile(name, text string, opts Options) (*Template, error) {
	t := &Template{opts: opts.withDefaults(), included: map[string]*file{}}
	var err error
	if t.words, err = opts.vocabulary(); err != nil {
		return nil, err
	}
	if t.root, err = t.parse(source{name: name, path: opts.File, text: text}); err != nil {
		return nil, err
	}
	t.includeAhead()
	return t, nil
}

func (o Options) withDefaults() Options {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	for _, d := range []struct {
		limit *int64
		value int64
	}{{&o.MaxFuel, DefaultFuel}, {&o.MaxBytes, DefaultBytes}, {&o.MaxOutput, DefaultOutput}} {
		if *d.limit == 0 {
			*d.limit = d.value
		}
	}
	return o
}

func (o Options) limits() funcs.Limits {
	return funcs.Limits{Fuel: o.MaxFuel, Bytes: o.MaxBytes, Output: o.MaxOutput}
}

// Render executes the template. Running out of fuel, bytes, output or depth is
// an error that wraps ErrFuel, ErrBytes, ErrOutput or ErrNesting of package
// funcs; a deadline or cancellation of ctx wraps the context's error.
func (t *Template) Render(ctx context.Context, v *kv.View) ([]byte, error) {
	e, ok := t.pool.Get().(*execution)
	if !ok {
		e = newExecution(t)
	}
	e.begin(ctx, v)
	out, err := e.render(t.root, nil, int(t.size.Load()))
	closed := e.end()
	t.pool.Put(e)
	if err = cmp.Or(err, closed); err != nil {
		return nil, err
	}
	t.size.Store(int64(len(out)))
	return out, nil
}

// Files is the paths of the files that the template includes, in order, also
// of those that could not be read. One that a template names by a computed
// name shows up once a render has asked for it. A changed file needs a new
// Compile.
func (t *Template) Files() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	paths := make([]string, len(t.asked))
	for i, rel := range t.asked {
		paths[i] = t.path(rel)
	}
	slices.Sort(paths)
	return paths
}

func (t *Template) path(rel string) string { return filepath.Join(t.opts.Dir, filepath.FromSlash(rel)) }
