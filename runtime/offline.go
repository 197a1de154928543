package runtime

import (
	"context"
	"log/slog"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/wasm"
)

// Offline makes a runtime that runs inline and opens no store, for wconf test:
// the same engine, moved by Feed, Lose, Tick and Step. Its zero value serves.
// The methods below belong to one goroutine.
type Offline struct {
	// Labels are those of the host; "host" is its name. Nil: the machine's.
	Labels map[string]string
	// ReadFile reads templates, guests and what they include; nil: os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Guests are shared with other runtimes; nil: the runtime has its own.
	Guests *Guests
	// Observer is told what the resources do.
	Observer resource.Observer
	// GuestUsed is told what each invocation of a guest used.
	GuestUsed func(GuestUse)
}

// GuestUse is what one invocation of a guest or a script used.
type GuestUse struct {
	Role guest.Role
	Src  string // as the resource names it
	wasm.Stats
}

func (o *Offline) labels(host string) map[string]string {
	if o != nil && o.Labels != nil {
		return o.Labels
	}
	return map[string]string{"host": host}
}

func (o *Offline) guests(stateDir string, log *slog.Logger) *Guests {
	if o != nil && o.Guests != nil {
		return o.Guests
	}
	return &Guests{stateDir: stateDir, log: log}
}

func (o *Offline) readFile() func(string) ([]byte, error) {
	if o == nil {
		return nil
	}
	return o.ReadFile
}

func (o *Offline) observer() resource.Observer {
	if o == nil {
		return resource.Observer{}
	}
	return o.Observer
}

func (o *Offline) guestUsed(role guest.Role, src string) func(wasm.Stats) {
	if o == nil || o.GuestUsed == nil {
		return nil
	}
	return func(s wasm.Stats) { o.GuestUsed(GuestUse{role, src, s}) }
}

// Feed takes a step of a store's history into every store. The first one must
// be Full. It is believed also when it leaves nothing.
func (rt *Runtime) Feed(b backend.Batch) {
	for _, st := range rt.stores.all() {
		st.cache.Believe(b)
	}
}

// Lose says that the stores are away, until the next Feed.
func (rt *Runtime) Lose(err error) {
	for _, st := range rt.stores.all() {
		st.cache.Lose(err)
	}
}

// Tick makes everything due that the interval would look at.
func (rt *Runtime) Tick() { rt.engine.Look() }

// Step does everything that is due by Options.Now, and tells when there is more
// to do; zero for never.
func (rt *Runtime) Step(ctx context.Context) time.Time { return rt.engine.Step(ctx) }

// Sweep mends what a killed run left at the destinations, as Run does when it
// begins.
func (rt *Runtime) Sweep() { rt.sweep() }

// Config is the resource of a name as its file says it, nil where there is
// none that works.
func (rt *Runtime) Config(name string) *config.Resource {
	if b := rt.of(name); b != nil {
		return b.config
	}
	return nil
}

// Scope is which keys a resource sees.
func (rt *Runtime) Scope(name string) kv.Scope { return rt.of(name).resource.Scope() }

// Draft renders a resource from s as if it saw the keys of sc, past the engine.
func (rt *Runtime) Draft(ctx context.Context, name string, s *kv.Snapshot, sc kv.Scope) (*resource.Plan, error) {
	return rt.of(name).resource.Draft(ctx, s, sc)
}

// of is a resource that works.
func (rt *Runtime) of(name string) *built {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if b := rt.built[name]; b != nil && b.resource != nil {
		return b
	}
	return nil
}
