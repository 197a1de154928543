package testrun

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// journal keeps what is logged from level info on, a line each: message, then
// key=value; and everything that guests say.
type journal struct {
	mu     sync.Mutex
	lines  []string
	guests []string // what guests say
}

// take returns what was logged since the last call.
func (j *journal) take() (lines, guests []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines, guests = j.lines, j.guests
	j.lines, j.guests = nil, nil
	return lines, guests
}

func (j *journal) logger() *slog.Logger { return slog.New(&journalHandler{journal: j}) }

type journalHandler struct {
	journal *journal
	attrs   []slog.Attr
}

// Enabled implements slog.Handler.
func (*journalHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h *journalHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Message)
	said := ""
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&line, " %s=%v", a.Key, a.Value.Resolve())
		if a.Key == "text" {
			said = a.Value.String()
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	h.journal.mu.Lock()
	defer h.journal.mu.Unlock()
	if r.Level >= slog.LevelInfo {
		h.journal.lines = append(h.journal.lines, line.String())
	}
	if r.Message == "guest says" || r.Message == "script says" {
		h.journal.guests = append(h.journal.guests, said)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journalHandler{h.journal, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup implements slog.Handler; nothing of wconf groups.
func (h *journalHandler) WithGroup(string) slog.Handler { return h }
