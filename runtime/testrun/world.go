package testrun

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	wconf "github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// world is what the cases of one file have in common: the resource, and what
// the fixture gives.
type world struct {
	file      *File
	daemon    config.Daemon
	single    string // the resource's file
	templates string // directory of its source
	inPlace   string // temporary directory of a resource in place
	name      string
	conf      *config.Resource
	scope     kv.Scope
	store     store
	seed      map[string][]byte
	warnings  []string
	guests    *wconf.Guests

	mu     sync.Mutex
	unread map[string]bool // named keys that no render has read yet
	texts  map[string]text // templates and guests, read once
}

type text struct {
	content []byte
	err     error
}

// prepare opens the resource of a file once, to see that it loads. The error
// joins what is wrong with it.
func (r *runner) prepare(ctx context.Context, f *File) (*world, error) {
	w := &world{file: f, guests: r.guests, unread: map[string]bool{}, texts: map[string]text{}}
	if err := w.locate(); err != nil {
		return w, err
	}
	settings, _ := config.Merge(nil, nil, nil, false)
	w.daemon = settings.Daemon()
	w.daemon.Watch, w.daemon.Prefix, w.daemon.StateDir = true, f.Fixture.Prefix, ""
	rt, err := w.open(wconf.Options{}, wconf.Offline{})
	if err != nil {
		return w, err
	}
	defer rt.Close() //nolint:errcheck // it has no store
	if err := w.loaded(rt); err != nil {
		return w, err
	}
	if err := w.fits(); err != nil {
		return w, err
	}
	if w.store, err = f.load(ctx, w.scope); err != nil {
		return w, err
	}
	for _, k := range w.store.named {
		w.unread[k] = true
	}
	w.seed, err = f.seed()
	return w, err
}

// loaded looks at what was opened.
func (w *world) loaded(rt *wconf.Runtime) error {
	var wrong []error
	for _, p := range rt.Problems() {
		wrong = append(wrong, w.placed(p))
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	names := rt.Resources()
	if len(names) != 1 {
		return w.file.doc.ValueProblem(problem.Config, w.file.Resource+" is no resource: it has no [template] table", "", "resource")
	}
	for _, p := range rt.Warnings() {
		if w.inPlace != "" && p.Code == problem.UnknownKey { // part of this file, which takes no unknown keys
			wrong = append(wrong, w.placed(p))
		}
		w.warnings = append(w.warnings, w.placed(p).Error())
	}
	w.name = names[0]
	w.conf, w.scope = rt.Config(w.name), rt.Scope(w.name)
	return errors.Join(wrong...)
}

// fits looks for stubs of commands that the resource does not have.
func (w *world) fits() error {
	var wrong []error
	has := map[string]bool{checkCmd: !w.conf.CheckCmd.IsZero(), reloadCmd: !w.conf.ReloadCmd.IsZero()}
	stubs := func(s Stubs, path ...string) {
		for name, stub := range map[string]*Stub{checkCmd: s.Check, reloadCmd: s.Reload} {
			if stub != nil && !has[name] {
				wrong = append(wrong, w.file.doc.Problem(problem.Config, "the resource has no "+name, "", append(path, "stub", name)...))
			}
		}
	}
	for i, c := range w.file.Cases {
		at := []string{"case", fmt.Sprint(i)}
		stubs(c.Stub, at...)
		if slices.Contains(c.Run, checkCmd) && !has[checkCmd] {
			wrong = append(wrong, w.file.doc.Problem(problem.Config, "the resource has no check_cmd", "", append(at, "run")...))
		}
		for j, s := range c.Steps {
			stubs(s.Stub, append(slices.Clone(at), "step", fmt.Sprint(j))...)
		}
	}
	return errors.Join(wrong...)
}

// locate finds the resource's file and the directory of its source.
func (w *world) locate() error {
	f := w.file
	if f.Template != nil {
		return w.extract()
	}
	w.single = f.beside(f.Resource)
	if _, err := os.Stat(w.single); err != nil {
		return f.doc.ValueProblem(problem.Config, fmt.Sprintf("there is no %s", w.single), "the path is relative to the test file", "resource")
	}
	w.templates = config.TemplateDir(w.single, filepath.Dir(w.single), false)
	return nil
}

// placed is a problem of the resource; one in place is in the test file.
func (w *world) placed(p *problem.Problem) *problem.Problem {
	if w.inPlace != "" && p.File == w.single {
		moved := *p
		moved.File = w.file.path
		return &moved
	}
	return p
}

func (w *world) close() {
	if w != nil && w.inPlace != "" {
		os.RemoveAll(w.inPlace)
	}
}

// open opens the resource; of the daemon's options only the state directory is
// the caller's.
func (w *world) open(o wconf.Options, off wconf.Offline) (*wconf.Runtime, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if off.ReadFile == nil {
		off.ReadFile = w.read
	}
	off.Guests, off.Labels = w.guests, w.labels()
	state := o.Daemon.StateDir
	o.Daemon, o.Single, o.Templates, o.Offline = w.daemon, w.single, w.templates, &off
	o.Daemon.StateDir = state
	if o.Commands == nil {
		o.Commands = noCommands{}
	}
	if o.Stager == nil {
		o.Stager = newDisk(nil)
	}
	return wconf.Open(o)
}

// read reads a template, a guest or what one includes.
func (w *world) read(path string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, known := w.texts[path]
	if !known {
		t.content, t.err = os.ReadFile(path)
		w.texts[path] = t
	}
	return t.content, t.err
}

func (w *world) labels() map[string]string {
	labels := map[string]string{"host": "localhost"}
	for k, v := range w.file.Fixture.Labels {
		labels[k] = v
	}
	return labels
}

// noCommands refuses to run anything.
type noCommands struct{}

func (noCommands) Run(context.Context, command.Command) (command.Result, error) {
	return command.Result{}, errors.New("nothing runs before a case does")
}
