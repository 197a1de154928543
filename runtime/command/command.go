// Package command runs check_cmd and reload_cmd.
//
// It promises: a command runs in wconf's own directory and environment, reads
// nothing (stdin is /dev/null), and ends when its direct child ends, whatever
// that left running. Its output is bounded, its time is limited, and when the
// time is up its whole process group goes. A check can be shown files that are
// not there yet: see Overlay.
//
// It never puts a key's value into a command, its arguments or its environment:
// the only text that wconf adds are the two paths of {{.src}} and {{.dest}}. It
// never logs; output is returned to the caller, who knows what is secret in it.
package command

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Command is one run. Exactly one of Shell and Argv is set.
type Command struct {
	Shell string   // for /bin/sh -c
	Argv  []string // without a shell; a first word without a slash is looked up in PATH

	Src, Dest string // what {{.src}} and {{.dest}} stand for: the staged file and its destination

	Timeout  time.Duration // 0: none
	Overlays []Overlay
}

// Overlay shows File at the path Over, to this command and its children alone.
// Nothing need stand at Over, but its directory must exist. What the command
// makes there is seen by others when it has ended.
type Overlay struct{ File, Over string }

// Result is how a command ended.
type Result struct {
	Exit      int    // exit status; -1 when a signal ended it
	Signal    string // that signal's name, as SIGTERM
	Output    []byte // the last 64 KiB of stdout and stderr
	Truncated bool   // there was more
	TimedOut  bool
	Took      time.Duration
}

// Runner runs commands. Exec is the real one.
type Runner interface {
	// Run returns when the command has ended. The error is nil when it exited
	// with 0, and a *Failed when it ran and ended otherwise; another one when it was
	// not started, or when what it made beside an Overlay could not be kept.
	Run(ctx context.Context, c Command) (Result, error)
}

// ErrNoNamespace means that the system does not let wconf show a command files
// that others do not see. Such a check can be run in place.
var ErrNoNamespace = errors.New("no private mount namespace can be made here")

// Failed is the error of a command that ran and did not exit with 0. Its
// message never holds output, which may be secret.
type Failed struct {
	Result
	Limit time.Duration // the timeout that it exceeded
	Err   error         // why wconf stopped it, when it did: the context's error
}

func (f *Failed) Error() string {
	switch {
	case f.TimedOut:
		return fmt.Sprintf("timed out after %s", f.Limit)
	case f.Err != nil:
		return fmt.Sprintf("stopped: %v", f.Err)
	case f.Signal != "":
		return "ended by " + f.Signal
	}
	return fmt.Sprintf("exit status %d", f.Exit)
}

func (f *Failed) Unwrap() error { return f.Err }

// argv is what is executed for c.
func (c Command) argv() ([]string, error) {
	switch {
	case (c.Shell == "") == (len(c.Argv) == 0):
		return nil, errors.New("a command is a text or a list of words, and not empty")
	case c.Shell != "":
		return []string{"/bin/sh", "-c", Expand(c.Shell, c.Src, c.Dest)}, nil
	}
	words := make([]string, len(c.Argv))
	for i, word := range c.Argv {
		words[i] = expand(word, c.Src, c.Dest, plain)
	}
	return words, nil
}
