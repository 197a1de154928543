package guest

import (
	"context"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/wasm"
)

// Open starts the functions for one execution of a template. One instance
// answers all calls of it, and the limits are for all of them together.
func (g *Guest) Open(ctx context.Context, v *kv.View) (render.Calls, error) {
	session := g.session(v)
	i, err := g.module.Open(ctx, wasm.Invocation{Session: session, Limits: g.limits, Args: g.args})
	if err != nil {
		g.log(v, session)
		return nil, g.explain(v, session, err)
	}
	return &calls{guest: g, view: v, session: session, instance: i}, nil
}

type calls struct {
	guest    *Guest
	view     *kv.View
	session  *hostfuncs.Session
	instance *wasm.Instance
	failed   error
}

// Call runs one function. After an error the guest's state is unknown: every
// later call gives the same error.
func (c *calls) Call(ctx context.Context, name string, args []string) (string, error) {
	if c.failed != nil {
		return "", c.failed
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	c.session.Input = hostfuncs.List(append([]string{name}, args...)...)
	if err := c.instance.Call(string(Functions)); err != nil {
		c.failed = c.guest.explain(c.view, c.session, err)
		return "", c.failed
	}
	return string(c.session.TakeOutput()), nil
}

// Close ends the functions.
func (c *calls) Close() error {
	c.guest.tell(c.instance)
	c.instance.Close()
	c.guest.log(c.view, c.session)
	return nil
}
