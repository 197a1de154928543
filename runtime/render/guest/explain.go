package guest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// explain adds what only the resource knows to an error of an invocation: that
// the guest failed for a key that is absent or not granted, and that a check
// refused.
func (g *Guest) explain(v *kv.View, s *hostfuncs.Session, err error) error {
	var (
		p  *problem.Problem
		ge *wasm.GuestError
	)
	if !errors.As(err, &p) || !errors.As(err, &ge) {
		return err
	}
	if ge.Trace != "" && g.o.Log != nil {
		g.o.Log.Debug("guest stack", "resource", g.o.Name, "guest", ge.Guest, "stack", ge.Trace)
	}
	said, mask := *p, g.mask(v)
	said.Msg, said.Hint = mask(said.Msg), ge.Advice
	key := s.Missed()
	switch {
	case !ge.Failed:
	case g.o.Role == Checker:
		said.Code = problem.CheckFailed
		said.Msg = mask(fmt.Sprintf("guest %s refused the new content: %s", g.module.Name(), ge.Reason))
	case key != "" && strings.Contains(ge.Reason, key) && slices.Contains(s.Denied(), key):
		said.Code = problem.KeyDenied
		said.Hint = fmt.Sprintf("the resource's keys do not include %s; add it to keys = [%s]", key, g.grants())
	case key != "" && strings.Contains(ge.Reason, key):
		said.Code = problem.KeyMissing
	}
	said.Hint = wasm.WithLog(mask(said.Hint), ge.Log, mask)
	return &said
}

// grants is the resource's keys as they could stand in its file.
func (g *Guest) grants() string {
	if g.o.Scope == nil {
		return "…"
	}
	var quoted []string
	for _, root := range g.o.Scope.Roots() {
		quoted = append(quoted, fmt.Sprintf("%q", strings.TrimPrefix(root, g.o.Scope.Prefix())))
	}
	return strings.Join(quoted, ", ")
}
