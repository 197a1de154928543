package testrun

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/wconf/wconf/runtime/command"
)

// The commands of a resource.
const (
	checkCmd  = "check_cmd"
	reloadCmd = "reload_cmd"
)

// ran is one command that ended.
type ran struct {
	name string
	exit int
	err  error
}

// fakeCommands end as the stubs say, at once and with 0 where there is none. A
// check that is to be real runs on a copy of the staged content.
type fakeCommands struct {
	clock *clock
	disk  *disk
	real  []string
	stubs map[string]*Stub
	used  map[string]int // how often a stub has answered
	tell  func(ran)
}

func (f *fakeCommands) stub(s Stubs) {
	for name, stub := range map[string]*Stub{checkCmd: s.Check, reloadCmd: s.Reload} {
		if stub != nil {
			f.stubs[name], f.used[name] = stub, 0
		}
	}
}

// Run implements command.Runner. What is checked is staged; what is reloaded is
// not any more.
func (f *fakeCommands) Run(ctx context.Context, c command.Command) (command.Result, error) {
	name := reloadCmd
	if _, is := f.disk.waiting(c.Src); is {
		name = checkCmd
	}
	var r command.Result
	var err error
	if slices.Contains(f.real, name) {
		r, err = f.runReal(ctx, c)
	} else {
		r, err = f.answer(name, c)
	}
	exit := r.Exit
	if err != nil && exit == 0 { // it did not even start
		exit = -1
	}
	f.tell(ran{name, exit, err})
	return r, err
}

func (f *fakeCommands) answer(name string, c command.Command) (command.Result, error) {
	s := f.stubs[name]
	if s == nil || s.Times > 0 && f.used[name] >= s.Times {
		return command.Result{}, nil
	}
	f.used[name]++
	r := command.Result{Exit: s.Exit, Output: []byte(s.Stdout + s.Stderr), Took: s.Delay}
	if c.Timeout > 0 && s.Delay > c.Timeout {
		r.Exit, r.Signal, r.TimedOut, r.Took = -1, "SIGTERM", true, c.Timeout
		f.clock.Spend(c.Timeout)
		return r, &command.Failed{Result: r, Limit: c.Timeout, Err: context.DeadlineExceeded}
	}
	f.clock.Spend(s.Delay)
	if s.Exit != 0 {
		return r, &command.Failed{Result: r}
	}
	return r, nil
}

// runReal runs a check for real. It sees the staged content in a directory of
// its own; the destination itself, where there is one on this machine, is not
// what is checked.
func (f *fakeCommands) runReal(ctx context.Context, c command.Command) (command.Result, error) {
	content, ok := f.disk.waiting(c.Src)
	if !ok {
		return command.Result{}, fmt.Errorf("nothing is staged at %s", c.Src)
	}
	dir, err := os.MkdirTemp("", "wconf-test-")
	if err != nil {
		return command.Result{}, err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, filepath.Base(c.Dest))
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		return command.Result{}, err
	}
	c.Src = copied
	for i := range c.Overlays {
		c.Overlays[i].File = copied
	}
	r, err := command.Exec{}.Run(ctx, c)
	f.clock.Spend(r.Took)
	if err != nil && len(r.Output) > 0 {
		err = fmt.Errorf("%w\n%s", err, r.Output)
	}
	return r, err
}
