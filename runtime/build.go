package runtime

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/wasm"
)

// built is one resource file made into a resource, or what is wrong with it.
// While a template is half saved the last good resource goes on.
type built struct {
	config   *config.Resource
	store    *store
	resource *resource.Resource
	problems []*problem.Problem
	warnings []*problem.Problem
	sources  sources
	secrets  *kv.Secrets
}

// buildAll builds on all cores: parsing is most of a one-shot run.
func (rt *Runtime) buildAll(resources []*config.Resource) []*built {
	all := make([]*built, len(resources))
	var work sync.WaitGroup
	next := make(chan int)
	for range goruntime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := range next {
				all[i] = rt.build(resources[i], rt.built[resources[i].Name])
			}
		})
	}
	for i := range resources {
		next <- i
	}
	close(next)
	work.Wait()
	return all
}

// build makes a resource, or keeps the one before where nothing has changed.
func (rt *Runtime) build(c *config.Resource, before *built) *built {
	if before != nil && before.config == c && !before.sources.changed() {
		return before
	}
	b := &built{config: c, sources: sources{open: rt.opt.Offline.readFile(), met: rt.met}}
	st, err := rt.stores.get(c.Store(rt.opt.Daemon.Store))
	if err == nil {
		b.store = st
		err = rt.make(b)
	}
	b.sources.complete()
	if err == nil {
		if before != nil && before.resource != nil {
			b.resource.Succeed(before.resource)
		}
		return b
	}
	b.problems = append(b.problems, asProblems(err, c.File)...)
	if before != nil {
		b.resource, b.store = before.resource, before.store
	}
	return b
}

func asProblems(err error, file string) (all []*problem.Problem) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, asProblems(e, file)...)
		}
		return all
	}
	var p *problem.Problem
	if !errors.As(err, &p) {
		p = &problem.Problem{Code: problem.Config, File: file, Msg: err.Error(), Err: err}
	}
	return []*problem.Problem{p}
}

func (rt *Runtime) make(b *built) error {
	c, d := b.config, rt.opt.Daemon
	if c.Prefix != "" && d.Prefix != "" && !d.JoinPrefix {
		b.warnings = append(b.warnings, c.Problem(problem.Config, fmt.Sprintf("the prefix %s of the daemon replaces the resource's", d.Prefix), "-join-prefix joins them", "prefix"))
	}
	scope := scope(c, d, b.store.factory)
	b.secrets = kv.NewSecrets(scope, c.Secret, hostfuncs.Printable)
	spec := resource.Spec{
		ID: c.Name, Scope: scope, Target: rt.target(b),
		Check:        runnable(c.CheckCmd, c.CheckCmdTimeout, d.CheckCmdTimeout),
		Reload:       runnable(c.ReloadCmd, c.ReloadCmdTimeout, d.ReloadCmdTimeout),
		OutputFormat: c.OutputFormat, Debounce: c.Debounce, DebounceMax: c.DebounceMax,
		HeldNew: c.WhileHeld == "new", ErrorReloads: c.OnError == "reload", ReportDrift: c.OnDrift == "report",
		LockTimeout: b.store.settings.Timeout,
		Noop:        d.Noop, SyncOnly: d.SyncOnly, Once: d.Onetime,
		ConditionText: conditionText(c), GuardText: c.Guard, Secrets: b.secrets,
	}
	if !c.Has("debounce") {
		spec.Debounce = d.Debounce
	}
	if spec.Debounce == 0 && d.BatchInterval > 0 { // a quiet time that changes do not begin anew
		spec.Debounce, spec.DebounceMax = d.BatchInterval, d.BatchInterval
	}
	if spec.DebounceMax == 0 {
		spec.DebounceMax = 10 * spec.Debounce
	}
	parts := resource.Parts{
		Format: formats.Check, Labels: rt.labels, Stager: rt.opt.Stager, Commands: rt.opt.Commands,
		Ledger: rt.ledger, Log: rt.log, Observer: rt.opt.Offline.observer(),
	}
	var err error
	if parts.Condition, parts.Guard, err = conditions(c); err != nil {
		return err
	}
	if err := rt.renderers(b, &parts, scope); err != nil {
		return err
	}
	b.resource = resource.New(spec, parts)
	return nil
}

// scope joins prefix and keys as confd 0.12 and later do: the daemon's prefix
// replaces the resource's, unless they are to be joined.
func scope(c *config.Resource, d config.Daemon, f backend.Factory) kv.Scope {
	prefix := c.Prefix
	switch {
	case d.Prefix == "":
	case d.JoinPrefix:
		prefix = d.Prefix + "/" + strings.TrimPrefix(c.Prefix, "/")
	default:
		prefix = d.Prefix
	}
	keys := c.Keys
	if f.Spell != nil {
		keys = make([]string, len(c.Keys))
		for i, k := range c.Keys {
			keys[i] = f.Spell(k)
		}
	}
	return kv.NewScope(prefix, keys)
}

func runnable(c config.Command, own, daemon time.Duration) command.Command {
	if c.IsZero() {
		return command.Command{}
	}
	if own == 0 {
		own = daemon
	}
	return command.Command{Shell: c.Shell, Argv: c.Argv, Timeout: own}
}

// conditions compiles reload_when with its sugar, and guard. Where nothing is
// set there is no condition.
func conditions(c *config.Resource) (reload, guard *gate.Gate, err error) {
	part := func(field, text string) gate.Part {
		return gate.Part{Text: text, Options: gate.Options{Name: field, At: c.At(field)}}
	}
	if c.ReloadWhen != "" || c.Window != "" || c.MinReloadInterval > 0 {
		parts := gate.Parts{ReloadWhen: part("reload_when", c.ReloadWhen), Window: part("window", c.Window)}
		if c.MinReloadInterval > 0 {
			parts.MinReloadInterval = part("min_reload_interval", c.MinReloadInterval.String())
		}
		if reload, err = gate.Join(parts); err != nil {
			return nil, nil, err
		}
	}
	if c.Guard != "" {
		guard, err = gate.Compile(c.Guard, part("guard", c.Guard).Options)
	}
	return reload, guard, err
}

// conditionText is what withholds reloads, as people wrote it.
func conditionText(c *config.Resource) string {
	var parts []string
	if c.ReloadWhen != "" {
		parts = append(parts, c.ReloadWhen)
	}
	if c.Window != "" {
		parts = append(parts, fmt.Sprintf("window = %q", c.Window))
	}
	if c.MinReloadInterval > 0 {
		parts = append(parts, fmt.Sprintf("min_reload_interval = %q", c.MinReloadInterval))
	}
	return strings.Join(parts, " && ")
}

// renderers opens what makes and judges the bytes of a resource.
func (rt *Runtime) renderers(b *built, parts *resource.Parts, scope kv.Scope) error {
	guests, err := rt.guestsOf(b, scope)
	if err != nil {
		return err
	}
	if parts.Renderer, err = rt.renderer(b, guests); err != nil {
		return err
	}
	for _, src := range b.config.Filters {
		g, err := guests.as(guest.Filter, src)
		if err != nil {
			return err
		}
		parts.Filters = append(parts.Filters, g)
	}
	for _, src := range b.config.Checks {
		g, err := guests.as(guest.Checker, src)
		if err != nil {
			return err
		}
		parts.Checkers = append(parts.Checkers, g)
	}
	return nil
}

func (rt *Runtime) renderer(b *built, guests *guestsOf) (render.Renderer, error) {
	c := b.config
	switch config.KindOf(c.Src) {
	case config.Wasm, config.Script:
		return guests.as(guest.Renderer, c.Src)
	case config.Template:
		return rt.template(b, guests)
	}
	return nil, c.Problem(problem.Config, fmt.Sprintf("src %q: this version renders Go templates, scripts (*.js) and Wasm guests (*.wasm) only", c.Src), "", "src")
}

func (rt *Runtime) template(b *built, guests *guestsOf) (render.Renderer, error) {
	c := b.config
	path := c.Path(c.Src)
	text, err := b.sources.read(path)
	if err != nil {
		return nil, c.Problem(problem.Config, fmt.Sprintf("missing template: %v", reason(err)), "templates are looked for in "+c.Templates(), "src")
	}
	functions := map[string]render.Functions{}
	for _, name := range slices.Sorted(maps.Keys(c.Functions)) {
		g, err := guests.as(guest.Functions, c.Functions[name])
		if err != nil {
			return nil, err
		}
		functions[name] = g
	}
	t, err := gotmpl.Compile(filepath.Base(path), string(text), gotmpl.Options{
		File: path, Dir: c.Templates(), Functions: functions, Keyring: rt.keyring, World: rt.opt.World, ReadFile: b.sources.read,
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func limits(c *config.Resource) wasm.Limits {
	return wasm.Limits{
		Memory: uint64(c.Limits.Memory), Fuel: uint64(c.Limits.Fuel), Time: c.Limits.Time, Stack: uint32(c.Limits.Stack),
		Output: int(c.Limits.Output), Result: int(c.Limits.Result), Calls: uint64(c.Limits.Calls), Reads: int(c.Limits.Reads),
	}
}

func reason(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}
