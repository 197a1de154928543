package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// logger writes to standard error: coloured text on a terminal, plain text
// elsewhere, JSON lines, or confd's classic line.
func (p *program) logger(s *settings) (*slog.Logger, error) {
	level, ok := map[string]slog.Level{
		"debug": slog.LevelDebug, "": slog.LevelInfo, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn,
		"error": slog.LevelError, "fatal": slog.LevelError + 4, "panic": slog.LevelError + 8,
	}[s.LogLevel]
	if !ok {
		return nil, &usageError{fmt.Sprintf("%q is not a valid log level", s.LogLevel), "debug, info, warn, error, fatal or panic"}
	}
	format := s.LogFormat
	if format == "" && p.asConfd {
		format = "classic"
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(p.err, &slog.HandlerOptions{Level: level})), nil
	case "classic":
		host, _ := os.Hostname()
		return slog.New(&classicHandler{out: p.err, level: level, head: fmt.Sprintf("%s %s[%d]", host, os.Args[0], os.Getpid())}), nil
	case "journald":
		return slog.New(&classicHandler{out: p.err, level: level, journal: true}), nil
	}
	return slog.New(tint.NewTextHandler(p.err, &tint.Options{
		Level: level, NoColor: !colour(p.err, s.Color), TimeFormat: timeFormat(p.err),
	})), nil
}

func timeFormat(w io.Writer) string {
	if terminal(w) {
		return time.TimeOnly
	}
	return time.RFC3339
}

// colour follows the flag, then NO_COLOR, CLICOLOR_FORCE and TERM.
func colour(w io.Writer, flag string) bool {
	switch flag {
	case "always", "true":
		return true
	case "never", "false":
		return false
	}
	switch {
	case os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb":
		return false
	case os.Getenv("CLICOLOR_FORCE") != "":
		return true
	}
	return terminal(w)
}

// terminal tells whether a stream is one.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// classicHandler writes the line of confd 0.16: time, host, program, process,
// level, message; the attributes follow as key=value. For the journal it
// writes a priority instead of all that the journal knows.
type classicHandler struct {
	out     io.Writer
	level   slog.Level
	head    string
	journal bool
	attrs   string

	mu sync.Mutex
}

func (h *classicHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *classicHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	name, priority := classicLevel(r.Level)
	if h.journal {
		fmt.Fprintf(&b, "<%d>%s", priority, oneLine(r.Message))
	} else {
		fmt.Fprintf(&b, "%s %s: %s %s", r.Time.Format(time.RFC3339), h.head, name, oneLine(r.Message))
	}
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool { b.WriteString(attr(a)); return true })
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.out.Write(b.Bytes())
	return err
}

func (h *classicHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := &classicHandler{out: h.out, level: h.level, head: h.head, journal: h.journal, attrs: h.attrs}
	for _, a := range attrs {
		next.attrs += attr(a)
	}
	return next
}

func (h *classicHandler) WithGroup(string) slog.Handler { return h }

func attr(a slog.Attr) string {
	v := a.Value.Resolve().String()
	if v == "" {
		return ""
	}
	if strings.ContainsAny(v, " \t\n\"") {
		v = fmt.Sprintf("%q", v)
	}
	return " " + a.Key + "=" + v
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func classicLevel(l slog.Level) (name string, priority int) {
	switch {
	case l >= slog.LevelError:
		return "ERROR", 3
	case l >= slog.LevelWarn:
		return "WARNING", 4
	case l >= slog.LevelInfo:
		return "INFO", 6
	}
	return "DEBUG", 7
}
