package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/file"

	"github.com/wconf/wconf/runtime/problem"
)

// refusal is an error whose text holds no value of a key, so that it may be
// shown. What expr itself says may quote values and is never passed on.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	errSteps    refusal = "used up its 100000 steps"
	errJoined   refusal = "+ made a text longer than 64 KiB"
	errText     refusal = "made more than 16 MiB of text"
	errKeys     refusal = "listed more than 100000 keys"
	errDeadline refusal = "took longer than 50ms"
	errNotBool  refusal = "is neither true nor false"
	errNoHost   refusal = `bucket() needs the label "host"`
)

// failure says why a leaf could not be judged, and where in it.
func (l *leaf) failure(err error) *problem.Problem {
	at := (*l.slot).Location()
	said := err.Error()
	var fe *file.Error
	if errors.As(err, &fe) {
		at, said = fe.Location, fe.Message
	}
	p := l.problem(at, fmt.Sprintf("cannot judge %s: %s", l.text, reason(err, said)), "")
	p.Err = shownCause(err)
	return p
}

// reason is the cause in words that quote no value.
func reason(err error, said string) string {
	var r refusal
	switch {
	case errors.As(err, &r):
		return r.Error()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "was interrupted" // by the caller
	case strings.Contains(said, "memory budget"):
		return fmt.Sprintf("built lists of more than %d elements", MaxMemory)
	case strings.Contains(said, "divide by zero"):
		return "division by zero"
	case strings.Contains(said, "out of range"):
		return "an index is out of range"
	case strings.Contains(said, "nil"):
		return "a value that is not there was used"
	}
	return "a value cannot be used like this"
}

// shownCause keeps only causes that hold no value of a key.
func shownCause(err error) error {
	var r refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return nil
}
