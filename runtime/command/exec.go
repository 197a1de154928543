//go:build unix

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Grace is how long a process group has between SIGTERM and SIGKILL.
const Grace = 5 * time.Second

// Exec runs commands as processes. The zero value works.
type Exec struct {
	// Grace and Shutdown are the times between SIGTERM and SIGKILL, after a
	// timeout and after the context has ended. 0 means the constant Grace.
	Grace, Shutdown time.Duration
}

var _ Runner = Exec{}

// Run starts the command in a process group of its own and waits for its direct
// child. What survives a command that ended by itself is left alone, since a
// reload may start a daemon.
//
// Where the command has Overlays and none can be made, it is not started, and
// the error is ErrNoNamespace.
func (e Exec) Run(ctx context.Context, c Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	argv, err := c.argv()
	if err != nil {
		return Result{}, err
	}
	begun := time.Now()
	child, out, covers, err := start(argv, c.Overlays)
	if err != nil {
		return Result{}, fmt.Errorf("start %s: %w", argv[0], err)
	}
	defer covers.close()
	stopped := e.wait(ctx, child, c.Timeout)
	err = covers.carry()
	r := resultOf(child.ProcessState)
	r.Output, r.Truncated = out.settle()
	r.Took, r.TimedOut = time.Since(begun), errors.Is(stopped, errTimeout)
	if stopped == nil && r.Exit == 0 {
		return r, err
	}
	failed := &Failed{Result: r, Err: stopped}
	if r.TimedOut {
		failed.Err, failed.Limit = context.DeadlineExceeded, c.Timeout
	}
	return r, failed
}

var errTimeout = errors.New("timeout")

// start runs argv with the overlays, or not at all.
func start(argv []string, overlays []Overlay) (*exec.Cmd, *output, covers, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer w.Close()
	child := exec.Command(argv[0], argv[1:]...)
	child.Stdout, child.Stderr = w, w // one file: Wait then waits for the child, not for readers
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var covered covers
	if len(overlays) == 0 {
		err = child.Start()
	} else {
		child, covered, err = startOverlaid(child, overlays)
	}
	if err != nil {
		r.Close()
		return nil, nil, nil, err
	}
	return child, readOutput(r), covered, nil
}

// wait returns when the child has ended: nil when it did so by itself, else
// why it was stopped.
func (e Exec) wait(ctx context.Context, child *exec.Cmd, limit time.Duration) error {
	ended := make(chan struct{})
	go func() {
		child.Wait() // what it says is in ProcessState
		close(ended)
	}()
	var expired <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-ended:
		return nil
	case <-expired:
		stop(child.Process.Pid, ended, e.Grace)
		return errTimeout
	case <-ctx.Done():
		stop(child.Process.Pid, ended, e.Shutdown)
		return ctx.Err()
	}
}

// stop ends a process group: politely, then, after the grace, for good. Members
// that outlive the group's leader have the same grace.
func stop(group int, ended <-chan struct{}, grace time.Duration) {
	if grace == 0 {
		grace = Grace
	}
	unix.Kill(-group, unix.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	leader := ended
	for {
		select {
		case <-timer.C:
			unix.Kill(-group, unix.SIGKILL)
			<-ended
			return
		case <-leader:
			leader = nil // from now on the ticker asks for the others
		case <-ticker.C:
		}
		if leader == nil && unix.Kill(-group, 0) == unix.ESRCH {
			return
		}
	}
}

func resultOf(state *os.ProcessState) Result {
	status, _ := state.Sys().(syscall.WaitStatus)
	r := Result{Exit: state.ExitCode()}
	if status.Signaled() {
		r.Signal = unix.SignalName(status.Signal())
	}
	return r
}
