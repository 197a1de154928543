package resource

import (
	"bytes"
	"context"
	"log/slog"
	"strings"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/kv"
)

// maxOutput is how much of a command's output the log gets: its end.
const maxOutput = 2048

// logOutput says what a command printed: as an error when it failed, else for
// people who debug. Values of secret keys are masked.
func (r *Resource) logOutput(name string, result command.Result, err error, s *kv.Snapshot) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelError
	}
	out := bytes.TrimSpace(result.Output)
	if len(out) == 0 || !r.parts.Log.Enabled(context.Background(), level) {
		return
	}
	text := r.spec.Secrets.Hide(string(out), s)
	if cut := len(text) - maxOutput; cut > 0 {
		text = "…" + strings.ToValidUTF8(text[cut:], "")
	}
	r.parts.Log.Log(context.Background(), level, "output of "+name, "resource", r.ID(), "output", text)
}
