package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// trial is a guest or a script that is run outside of any resource.
type trial struct {
	runtime *wasm.Runtime
	worker  worker
	role    guest.Role
	keys    *kv.Snapshot
	scope   kv.Scope
	input   []byte   // of a filter or a check
	call    []string // a template's function and its arguments

	stats wasm.Stats // of the last run
	ran   bool
}

// worker is a guest or a script, in whichever role.
type worker interface {
	render.Renderer
	render.Filter
	render.Checker
	render.Functions
}

func newTrial(c *cli.Context, stateDir string, scope kv.Scope, log *slog.Logger) (*trial, error) {
	t := &trial{role: guest.Role(cmp.Or(c.String("role"), string(guest.Renderer)))}
	if !slices.Contains([]guest.Role{guest.Renderer, guest.Filter, guest.Checker, guest.Functions}, t.role) {
		return nil, &usageError{fmt.Sprintf("unknown role %q", t.role), "render, filter, check or call"}
	}
	if t.call = c.Args().Tail(); t.role != guest.Functions && len(t.call) > 0 {
		return nil, &usageError{fmt.Sprintf("guest %s got an argument too much: %s", c.Command.Name, t.call[0]), "--role call calls a function of the guest, with arguments"}
	}
	file := c.Args().First()
	bin, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	params, err := pairs(c.StringSlice("param"))
	if err != nil {
		return nil, err
	}
	limits := wasm.Limits{Time: c.Duration("time")}
	if fuel := c.String("fuel"); fuel != "" {
		if limits.Fuel, err = strconv.ParseUint(strings.ReplaceAll(fuel, "_", ""), 10, 64); err != nil {
			return nil, &usageError{fmt.Sprintf("--fuel %q is no number of instructions", fuel), "digits, and _ between them: 50_000_000"}
		}
	}
	if t.runtime, err = runtime.OpenGuests(stateDir, wasm.Options{Log: log}); err != nil {
		return nil, err
	}
	stats := func(s wasm.Stats) { t.stats, t.ran = s, true }
	if strings.HasSuffix(file, ".js") {
		err = t.openScript(c, bin, script.Options{Role: t.role, File: file, Name: "trial", Params: params, Limits: limits, Scope: &scope, Log: log, Stats: stats})
	} else {
		err = t.openGuest(c, bin, guest.Options{
			Role: t.role, Name: "trial", Params: params, Stdin: guest.Stdin(c.String("stdin")), Limits: limits, Scope: &scope, Log: log, Stats: stats,
		})
	}
	if err == nil && t.role == guest.Functions {
		err = t.callable(file)
	}
	if err != nil {
		t.runtime.Close()
		return nil, err
	}
	return t, nil
}

// callable holds what is to be called against what there is to call.
func (t *trial) callable(file string) error {
	arity := t.worker.Names()
	names := slices.Sorted(maps.Keys(arity))
	if len(t.call) == 0 {
		return &usageError{"--role call needs the name of a function and its arguments", "functions of " + file + ": " + strings.Join(names, ", ")}
	}
	name, args := t.call[0], t.call[1:]
	want, ok := arity[name]
	switch {
	case !ok:
		return &usageError{fmt.Sprintf("%s has no function %q", file, name), cmp.Or(problem.DidYouMean(name, names), "it has "+strings.Join(names, ", "))}
	case want != len(args):
		return &usageError{fmt.Sprintf("%s takes %d arguments, not %d", name, want, len(args)), ""}
	}
	return nil
}

func (t *trial) openGuest(c *cli.Context, bin []byte, o guest.Options) error {
	module, err := t.runtime.Load(c.Context, c.Args().First(), bin)
	if err == nil {
		t.worker, err = guest.New(module, o)
	}
	if err != nil {
		return &exit{exitLoad, err}
	}
	return nil
}

func (t *trial) openScript(c *cli.Context, text []byte, o script.Options) error {
	if c.String("stdin") != "" {
		return &usageError{"a script asks for keys itself", "drop --stdin"}
	}
	engine, err := script.Load(c.Context, t.runtime, filepath.Base(o.File))
	if err == nil {
		t.worker, err = script.New(c.Context, engine, text, o)
	}
	if err != nil {
		return &exit{exitLoad, err}
	}
	return nil
}

func pairs(texts []string) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, &usageError{fmt.Sprintf("--param %q is no NAME=VALUE", text), ""}
		}
		m[name] = value
	}
	return m, nil
}

// run runs the guest once, with a view of its own.
func (t *trial) run(ctx context.Context) ([]byte, error) {
	v := kv.NewView(t.keys, t.scope)
	switch t.role {
	case guest.Filter:
		return t.worker.Filter(ctx, v, t.input)
	case guest.Checker:
		if err := t.worker.Check(ctx, v, t.input); err != nil {
			return nil, &exit{exitCommand, err}
		}
		return nil, nil
	case guest.Functions:
		return t.answer(ctx, v)
	}
	return t.worker.Render(ctx, v)
}

// answer is what a function gives, as a line.
func (t *trial) answer(ctx context.Context, v *kv.View) ([]byte, error) {
	calls, err := t.worker.Open(ctx, v)
	if err != nil {
		return nil, err
	}
	text, err := calls.Call(ctx, t.call[0], t.call[1:])
	if closed := calls.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	t.stats.Written = len(text) // it did not go where files do
	return []byte(text + "\n"), nil
}

// used says what the run cost.
func (t *trial) used() string {
	if !t.ran {
		return ""
	}
	s := t.stats
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(s.Calls)) {
		calls = append(calls, fmt.Sprintf("%s %d", name, s.Calls[name]))
	}
	text := fmt.Sprintf("fuel    %d (%s)\ntime    %s\nmemory  %s\noutput  %d bytes\ncalls   %s\n",
		s.Fuel, wasm.PriceList, s.Time.Round(time.Microsecond), mebibytes(s.Memory), s.Written, cmp.Or(strings.Join(calls, ", "), "none"))
	if len(s.Denied) > 0 {
		text += fmt.Sprintf("denied  %s\n", hostfuncs.Printable(strings.Join(s.Denied, ", ")))
	}
	return text
}
