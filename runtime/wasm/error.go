package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
)

// GuestError is why an invocation of a guest ended. It comes wrapped in a
// *problem.Problem.
type GuestError struct {
	Guest    string           // the name it was loaded under
	Function string           // the export that ran: "render", "_initialize", …
	Code     string           // a code of package problem
	Reason   string           // what happened, in words
	Failed   bool             // the guest said so itself, by fail or by a code other than 0
	Log      []hostfuncs.Line // the last lines that it logged, at most five
	Advice   string           // what may help; may be empty
	Trace    string           // the guest's stack, one function a line; empty when it failed by itself
	Err      error            // the cause
}

func (e *GuestError) Error() string {
	return fmt.Sprintf("guest %s: %s: %s", e.Guest, e.Function, e.Reason)
}

func (e *GuestError) Unwrap() error { return e.Err }

// Errors that a limit of wconf's own raises.
var (
	errFuel  = errors.New("fuel")
	errStack = errors.New("stack")
)

// returned is a code other than 0.
type returned struct{ code int32 }

func (e *returned) Error() string { return fmt.Sprintf("it returned %d", e.code) }

// explain turns what wazero gave back into a problem.
func (i *Instance) explain(function string, err error) error {
	ge := &GuestError{Guest: i.module.name, Function: function, Err: err, Code: problem.GuestFailed}
	i.reason(ge, err)
	var limit *hostfuncs.LimitError
	if errors.As(err, &limit) {
		ge.Advice = fmt.Sprintf("raise %s in [template.limits], if the guest needs it", limit.Limit)
	}
	lines := i.session.Lines()
	ge.Log = lines[max(0, len(lines)-lastLines):]
	if ge.Code == problem.GuestMemory || ge.Code == problem.GuestFuel || ge.Code == problem.GuestTimeout {
		ge.Advice = "raise it in [template.limits], if the guest needs it"
	}
	return &problem.Problem{Code: ge.Code, Msg: ge.Error(), Hint: WithLog(ge.Advice, ge.Log, nil), Err: ge}
}

// How much of a guest's log stands beside its error.
const (
	lastLines   = 5
	longestLine = 200 // bytes
)

// WithLog puts the last lines of a guest's log behind a hint. Each is masked
// whole, and then cut.
func WithLog(hint string, lines []hostfuncs.Line, mask func(string) string) string {
	var said []string
	for _, line := range lines[max(0, len(lines)-lastLines):] {
		text := line.Text
		if mask != nil {
			text = mask(text)
		}
		if len(text) > longestLine {
			text = strings.ToValidUTF8(text[:longestLine], "") + "…"
		}
		said = append(said, `"`+text+`"`)
	}
	if len(said) == 0 {
		return hint
	}
	if hint != "" {
		hint += "; "
	}
	return hint + "it last logged " + strings.Join(said, ", ")
}

func (i *Instance) reason(ge *GuestError, err error) {
	var (
		exit    *sys.ExitError
		failure *hostfuncs.Failure
		code    *returned
	)
	switch {
	case errors.As(err, &failure):
		ge.Reason, ge.Failed = failure.Message, true
	case errors.As(err, &code):
		ge.Reason, ge.Failed = code.Error(), true
	case i.timedOut(err):
		ge.Reason, ge.Code = "it was stopped at wconf's deadline", problem.GuestTimeout
		if i.ran() >= i.limits.Time {
			ge.Reason = fmt.Sprintf("it was stopped after %v", i.limits.Time)
		}
	case errors.Is(err, context.Canceled):
		ge.Reason = "it was stopped, because wconf gave up on the render"
	case errors.Is(err, errFuel):
		ge.Reason, ge.Code = fmt.Sprintf("it used up its %d units of fuel", i.limits.Fuel), problem.GuestFuel
	case errors.Is(err, errStack):
		ge.Reason, ge.Trace = fmt.Sprintf("it used up its stack of %d units (is a recursion endless?)", i.limits.Stack), trace(err)
	case trap(err) == "stack overflow": // of the interpreter, which has a bound of its own
		ge.Reason, ge.Trace = "it used up its stack (is a recursion endless?)", trace(err)
	case errors.As(err, &exit):
		ge.Reason, ge.Failed = fmt.Sprintf("it exited with code %d", exit.ExitCode()), true
	case i.memory.refused:
		ge.Reason, ge.Code = fmt.Sprintf("it used up its memory of %d bytes, then: %s", i.limits.Memory, trap(err)), problem.GuestMemory
	default:
		ge.Reason, ge.Trace = trap(err), trace(err)
	}
}

const traceMark = "\nwasm stack trace:\n"

// trap is wazero's message without its frills.
func trap(err error) string {
	msg, _, _ := strings.Cut(err.Error(), traceMark)
	msg = strings.TrimSuffix(msg, " (recovered by wazero)")
	if before, after, ok := strings.Cut(msg, "] failed: "); ok && strings.HasPrefix(before, "start function[") {
		msg = after
	}
	return strings.TrimPrefix(msg, "wasm error: ")
}

func trace(err error) string {
	_, stack, _ := strings.Cut(err.Error(), traceMark)
	return strings.ReplaceAll(strings.TrimPrefix(stack, "\t"), "\n\t", "\n")
}
