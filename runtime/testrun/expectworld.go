package testrun

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/wconf/wconf/runtime/kv"
)

// world is about keys, states, the log and commands.
func (x *expecting) world() {
	e := x.e
	if e.Changed != nil {
		want := slices.Sorted(slices.Values(e.Changed))
		switch {
		case !x.step.judged:
			x.fail("expected changed = "+list(want)+", and no reload was judged in this step", nil, "changed")
		case !slices.Equal(want, x.step.changed):
			x.fail(fmt.Sprintf("expected changed = %s, got %s", list(want), list(x.step.changed)), nil, "changed")
		}
	}
	for i, pattern := range e.KeysRead {
		if !x.read(pattern) {
			x.fail(fmt.Sprintf("%s was not read", pattern), x.readKeys(), "keys_read", strconv.Itoa(i))
		}
	}
	if e.Status != "" {
		want, got := e.Status, x.status().State.String()
		if want == "ok" {
			want = "in sync"
		}
		x.want("status", want, got)
	}
	for i, part := range e.Log {
		if !slices.ContainsFunc(x.step.log, func(line string) bool { return strings.Contains(line, part) }) {
			x.fail(fmt.Sprintf("nothing in the log contains %q", part), x.step.log, "log", strconv.Itoa(i))
		}
	}
	if e.Check != nil {
		x.checkExit(*e.Check)
	}
}

func (x *expecting) checkExit(want int) {
	for _, c := range slices.Backward(x.step.commands) {
		if c.name != checkCmd {
			continue
		}
		if c.exit != want {
			x.want("check", want, c.exit, details(c.err)...)
		}
		return
	}
	x.fail(fmt.Sprintf("expected check = %d, and check_cmd did not run", want), nil, "check")
}

// read tells whether the last render depends on a key, or on one that matches a
// pattern.
func (x *expecting) read(pattern string) bool {
	prefix := x.scope.Prefix()
	if !strings.ContainsAny(pattern, "*?[{") {
		return x.step.reads.Touches(kv.Change{Key: prefix + pattern})
	}
	for k := range x.step.reads.Values() {
		if ok, err := doublestar.Match(prefix+pattern, k); ok && err == nil {
			return true
		}
	}
	for k := range x.keys {
		if ok, err := doublestar.Match(prefix+pattern, k); ok && err == nil && x.step.reads.Touches(kv.Change{Key: k}) {
			return true
		}
	}
	return false
}
