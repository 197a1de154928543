package runtime

import (
	"context"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/file"
	"github.com/wconf/wconf/runtime/config"
)

// ahead is the keys on their way while templates are compiled.
type ahead struct {
	wishes []wish
	stop   context.CancelFunc
	done   chan struct{}
	failed []error
}

// prepareAhead lets the daemon's store begin before it is known what is wanted
// of it, where that serves: files are read and parsed as a whole.
func (rt *Runtime) prepareAhead(ctx context.Context) {
	if rt.opt.Daemon.Store.Backend != file.Factory.Name {
		return
	}
	st, err := rt.stores.get(rt.opt.Daemon.Store)
	if err != nil {
		return // a resource that uses it will tell
	}
	if b, ok := st.backend.(backend.Preparer); ok {
		b.Prepare(ctx)
	}
}

// fillAhead asks the stores for what the resources want, as far as that can be
// told from their files alone.
func (rt *Runtime) fillAhead(ctx context.Context, resources []*config.Resource) *ahead {
	a := &ahead{done: make(chan struct{})}
	for _, c := range resources {
		st, err := rt.stores.get(c.Store(rt.opt.Daemon.Store))
		if err != nil {
			continue // the resource's own problem, which building it will tell
		}
		a.wishes = append(a.wishes, wish{st, scope(c, rt.opt.Daemon, st.factory).Roots(), c.AllowEmpty})
	}
	rt.stores.ask(a.wishes)
	ctx, a.stop = context.WithCancel(ctx)
	go func() {
		defer close(a.done)
		a.failed = rt.stores.fill(ctx)
	}()
	return a
}

// wishes is what the resources that work want, in the order of their files.
func (rt *Runtime) wishes() (all []wish) {
	for _, c := range rt.set.Resources {
		if b := rt.built[c.Name]; b.resource != nil {
			all = append(all, wish{b.store, b.resource.Scope().Roots(), b.config.AllowEmpty})
		}
	}
	return all
}

// filled waits for the keys, or asks for them now. The errors are of stores that
// did not give them.
func (rt *Runtime) filled(ctx context.Context) []error {
	a := rt.ahead
	if a == nil {
		return rt.stores.fill(ctx)
	}
	rt.ahead = nil
	defer a.stop()
	<-a.done
	return a.failed
}

// abandon ends what is on its way, and waits for that.
func (a *ahead) abandon() {
	if a != nil {
		a.stop()
		<-a.done
	}
}
