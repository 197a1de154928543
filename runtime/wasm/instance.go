package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
)

// Invocation is what one instance gets to see and may use up.
type Invocation struct {
	Session *hostfuncs.Session // its Limits are set from Limits
	Limits  Limits
	Args    []string         // of a command, its name first
	Stdin   hostfuncs.Source // of a command; nil: it is empty
}

// Instance is a module at work, for one invocation. It is not safe for
// concurrent use and must be closed; after an error it must not be called.
type Instance struct {
	module  *Module
	code    *code
	session *hostfuncs.Session
	limits  Limits
	memory  *linearMemory
	wasi    wasiState
	guest   api.Module
	name    string       // of export
	export  api.Function // the last one that was called
	stack   [1]uint64
	ctx     *guestContext
	cancel  context.CancelFunc
	began   time.Time
	meter   meter
	lane    lane

	deadline time.Time // but for what it waits for a turn

	interpreter *Interpreter // that it is, or nil
}

// guestContext is the context of an instance's calls. wazero hands it to host
// functions as it is; its type tells faster whose call it is than a value in it.
type guestContext struct {
	context.Context
	instance *Instance
}

func instanceOf(ctx context.Context) *Instance { return ctx.(*guestContext).instance }

// Open makes an instance and runs its start section and _initialize. The limits
// count from here to Close. Errors are *problem.Problem.
func (m *Module) Open(ctx context.Context, v Invocation) (*Instance, error) {
	i, err := m.prepare(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := i.start(); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// prepare is an instance with its limits and its memory, but no guest yet.
func (m *Module) prepare(ctx context.Context, v Invocation) (*Instance, error) {
	limits := v.Limits.Or(Defaults)
	i := &Instance{module: m, code: m.code.Load(), session: v.Session, limits: limits, began: time.Now()}
	if i.code.slow {
		i.limits.Time = min(limits.Time*slowness, Ceiling.Time)
	}
	i.session.Limits, i.session.Interrupt = limits.forHost(), i.spent
	i.meter.limit = limits.Fuel
	i.lane.lanes = m.runtime.lanes
	i.wasi = wasiState{args: v.Args, stdin: v.Session.Stream(v.Stdin)}
	if need := m.about.MinMemory; need > limits.Memory {
		return nil, &problem.Problem{Code: problem.GuestMemory,
			Msg:  fmt.Sprintf("guest %s: it starts with %d bytes of memory; its limit is %d", m.name, need, limits.Memory),
			Hint: "raise it in [template.limits], if the guest needs it"}
	}
	memory, err := m.runtime.memories.take(limits.Memory)
	if err != nil {
		return nil, fmt.Errorf("guest %s: memory: %w", m.name, err)
	}
	i.memory = memory
	i.deadline = i.began.Add(i.limits.Time)
	ctx, i.cancel = context.WithCancel(experimental.WithMemoryAllocator(ctx, memory))
	i.ctx = &guestContext{ctx, i}
	return i, nil
}

// instanceConfig is nameless, starts nothing, and has a source of randomness
// that nobody reads: wazero would seed one for each instance.
var instanceConfig = wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(strings.NewReader(""))

func (i *Instance) instantiate() (err error) {
	defer i.lane.leave() // the start section runs
	i.guest, err = i.code.engine.InstantiateModule(i.ctx, i.code.compiled, instanceConfig)
	if err != nil {
		return i.explain("start", err)
	}
	return nil
}

func (i *Instance) start() error {
	if err := i.instantiate(); err != nil {
		return err
	}
	if f := i.guest.ExportedFunction("_initialize"); f != nil {
		if err := i.run(f, nil); err != nil {
			return i.explain("_initialize", err)
		}
	}
	return nil
}

// run is one call of the guest.
func (i *Instance) run(f api.Function, stack []uint64) error {
	defer i.lane.leave()
	return f.CallWithStack(i.ctx, stack)
}

// Call runs an export: "render", "filter", "check" or "call", or "_start" of a
// command. What it wrote is the session's. Errors are *problem.Problem around a
// *GuestError.
func (i *Instance) Call(export string) error {
	if i.name != export { // looking one up costs more than a short call
		i.name, i.export = export, i.guest.ExportedFunction(export)
	}
	if i.export == nil {
		return refuse(i.module.name, "it does not export "+export, "", nil)
	}
	i.stack[0] = 0
	err := i.run(i.export, i.stack[:])
	var exit *sys.ExitError
	if export == "_start" && errors.As(err, &exit) && exit.ExitCode() == 0 {
		return nil
	}
	if code := int32(uint32(i.stack[0])); err == nil && export != "_start" && code != 0 {
		err = &returned{code}
	}
	if err != nil {
		return i.explain(export, err)
	}
	return nil
}

// Stats is what the instance used so far; it is asked before Close.
func (i *Instance) Stats() Stats {
	return Stats{
		Fuel: i.meter.used(), Time: i.ran(), Memory: i.memory.used,
		Calls: i.session.Calls(), Denied: i.session.Denied(), Written: len(i.session.Output()),
	}
}

// ran is how long the instance has been at work.
func (i *Instance) ran() time.Duration { return time.Since(i.began) - i.lane.waited }

// Close ends the instance and takes its memory back.
func (i *Instance) Close() {
	if i.memory == nil {
		return
	}
	if i.guest != nil {
		_ = i.guest.Close(i.ctx) // it has nothing open but memory
	}
	i.wasi.stdin.Close()
	i.cancel()
	i.module.runtime.memories.give(i.memory)
	i.memory = nil
}
