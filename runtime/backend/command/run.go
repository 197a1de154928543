package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
	"unicode/utf8"
)

const (
	maxOutput = 64 << 20
	maxLine   = 256 // of stderr, in an error

	// straggle is how long a child that outlives the program may hold its
	// output open.
	straggle = time.Second
)

var (
	errTooMuch  = fmt.Errorf("it printed more than %d bytes", maxOutput)
	errTooSlow  = errors.New("timed out")
	errHeldOpen = errors.New("a process that it started holds its output open")
)

// run runs the program and returns all that it printed, or an error. When its
// time is up its whole process group goes.
func (p *program) run(ctx context.Context) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timer := time.AfterFunc(p.timeout, func() { stop(fmt.Errorf("%w after %v", errTooSlow, p.timeout)) })
	defer timer.Stop()
	out, errs := &capped{full: func() { stop(errTooMuch) }}, &lastLine{}
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, errs, straggle
	asGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay):
		return nil, errHeldOpen
	case err != nil && errs.String() != "":
		return nil, fmt.Errorf("%w: %s", err, errs)
	case err != nil:
		return nil, err
	}
	return out.text.Bytes(), nil
}

// capped takes the program's output, up to the limit.
type capped struct {
	text bytes.Buffer // a field: its ReadFrom would go past the limit
	full func()
}

func (c *capped) Write(b []byte) (int, error) {
	if c.text.Len()+len(b) > maxOutput {
		c.full()
		return 0, errTooMuch
	}
	return c.text.Write(b)
}

// lastLine keeps the beginning of the last line that is not empty.
type lastLine struct {
	line []byte
	over bool // the line has ended
}

func (l *lastLine) Write(b []byte) (int, error) {
	for _, c := range b {
		switch {
		case c == '\n':
			l.over = true
			continue
		case l.over:
			l.line, l.over = l.line[:0], false
		}
		if len(l.line) < maxLine {
			l.line = append(l.line, c)
		}
	}
	return len(b), nil
}

func (l *lastLine) String() string {
	line := bytes.TrimSpace(l.line)
	if !utf8.Valid(line) {
		return fmt.Sprintf("%q", line)
	}
	return string(line)
}
