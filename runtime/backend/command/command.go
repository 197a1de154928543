// Package command reads keys from what a program prints: one JSON or YAML
// document, run again and again. It is how a store that wconf does not know
// becomes one.
//
// A run that fails, is too slow or prints something that is no document counts
// for nothing; what it prints never reaches a log. The last line of its stderr
// is in the error.
package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// Factory opens programs.
var Factory = backend.Factory{
	Name: "command",
	Doc:  "a program that prints a JSON or YAML document, run every minute or as often as the interval says",
	Open: open,
}

const (
	defaultInterval = time.Minute
	defaultTimeout  = 30 * time.Second
)

type program struct {
	life     backend.Lifetime
	argv     []string
	interval time.Duration
	timeout  time.Duration

	turn chan struct{} // holds a token while nobody runs the program
	last reading       // belongs to who holds the token
}

// reading is what the program said, and when it was asked.
type reading struct {
	pairs []kv.Pair
	at    time.Time // zero: never
}

func open(c backend.Config) (backend.Backend, error) {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return nil, errors.New(`the command backend needs a command, such as ["consul-keys", "--json"]`)
	}
	p := &program{
		argv:     c.Command,
		interval: cmp.Or(c.Interval, defaultInterval),
		timeout:  cmp.Or(c.Timeout, defaultTimeout),
		turn:     make(chan struct{}, 1),
	}
	p.turn <- struct{}{}
	return p, nil
}

// List implements backend.Backend: it runs the program once.
func (p *program) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	ctx, free := p.life.Bind(ctx)
	defer free()
	r, err := p.read(ctx, 0)
	if err != nil {
		return backend.Listing{}, err
	}
	pairs := backend.Below(r.pairs, prefixes)
	return backend.Listing{Pairs: pairs, Cursor: backend.ContentCursor(pairs)}, nil
}

// Watch implements backend.Backend: it runs the program once in each interval,
// however many watch.
func (p *program) Watch(ctx context.Context, prefixes []string, held backend.Cursor, out chan<- backend.Batch) error {
	ctx, free := p.life.Bind(ctx)
	defer free()
	for {
		r, err := p.read(ctx, p.interval)
		if err != nil {
			return err
		}
		if held, err = backend.Offer(ctx, out, backend.Below(r.pairs, prefixes), held); err != nil {
			return err
		}
		select {
		case <-time.After(time.Until(r.at.Add(p.interval))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// read returns what the program says; what it said when it was asked less than
// age ago will do.
func (p *program) read(ctx context.Context, age time.Duration) (reading, error) {
	if ctx.Err() != nil {
		return reading{}, context.Cause(ctx)
	}
	select {
	case <-p.turn:
	case <-ctx.Done():
		return reading{}, context.Cause(ctx)
	}
	defer func() { p.turn <- struct{}{} }()
	if !p.last.at.IsZero() && time.Since(p.last.at) < age {
		return p.last, nil
	}
	asked := time.Now()
	text, err := p.run(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("run %s: %w", p.argv[0], err)
	}
	pairs, err := parse(text)
	if err != nil {
		return reading{}, fmt.Errorf("read what %s prints: %w", p.argv[0], err)
	}
	p.last = reading{pairs, asked}
	return p.last, nil
}

var errNothing = errors.New("it printed nothing; a store without keys is {}")

func parse(text []byte) ([]kv.Pair, error) {
	start := bytes.TrimSpace(text)
	if len(start) == 0 {
		return nil, errNothing
	}
	format := formats.YAML
	if start[0] == '{' {
		format = formats.JSON
	}
	flat, err := formats.Flatten(format, text)
	if err != nil {
		if p, ok := errors.AsType[*problem.Problem](err); ok {
			p.File = "stdout"
		}
		return nil, err
	}
	pairs := make([]kv.Pair, len(flat))
	for i, f := range flat {
		pairs[i] = kv.Pair(f)
	}
	return pairs, nil
}

// Close implements backend.Backend.
func (p *program) Close() error { return p.life.Close() }
