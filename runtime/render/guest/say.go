package guest

import (
	"context"
	"log/slog"

	"github.com/wconf/wconf/hostfuncs"
)

var levels = map[hostfuncs.Level]slog.Level{
	hostfuncs.LevelDebug: slog.LevelDebug, hostfuncs.LevelInfo: slog.LevelInfo,
	hostfuncs.LevelWarn: slog.LevelWarn, hostfuncs.LevelError: slog.LevelError,
}

// Say puts what a guest or a script called name, which is its kind, said for a
// resource into a log; nil: nobody hears it. Mask hides secrets in it.
func Say(log *slog.Logger, kind, name, resource string, lines []hostfuncs.Line, mask func(string) string) {
	if log == nil {
		return
	}
	for _, line := range lines {
		log.Log(context.Background(), levels[line.Level], kind+" says", "resource", resource, kind, name, "text", mask(line.Text))
	}
}
