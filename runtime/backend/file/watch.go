package file

import (
	"context"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// pulse is how often a watch says that nothing has changed.
const pulse = 5 * time.Second

// Watch implements backend.Backend. A failure is returned once, for the log;
// called again with the same failure, Watch waits for the files to be whole,
// so that no retry has to be waited for.
func (f *files) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	ctx, free := f.life.Bind(ctx)
	told, ended := make(chan []string), make(chan error, 1)
	go func() { ended <- f.watcher.Watch(ctx, f.paths, told) }()
	defer func() {
		free()
		<-ended
	}()
	w := watch{files: f, prefixes: prefixes, held: from, out: out}
	return w.run(ctx, told)
}

type watch struct {
	*files
	prefixes []string
	held     backend.Cursor
	out      chan<- backend.Batch
	doubt    <-chan time.Time // what was last read is not believed before
	well     bool
}

func (w *watch) run(ctx context.Context, told <-chan []string) error {
	beat := time.NewTicker(pulse)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-told:
			err = w.look(ctx, false)
		case <-w.doubt:
			err = w.look(ctx, true)
		case <-beat.C:
			if w.well {
				err = backend.Send(ctx, w.out, backend.Batch{Cursor: w.held})
			}
		}
		if err != nil {
			return err
		}
	}
}

// look reads the files and sends what they say. What may be somebody saving a
// file is looked at again after a while, and believed then.
func (w *watch) look(ctx context.Context, believe bool) error {
	seen, err := w.read(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && (believe || !w.doubtful(seen)):
		w.doubt, w.well = nil, true
		w.believe(seen)
		w.held, err = backend.Offer(ctx, w.out, backend.Below(seen.pairs, w.prefixes), w.held)
		return err
	case !believe:
		w.well = false
		if w.doubt == nil {
			w.doubt = time.After(w.grace)
		}
		return nil
	}
	w.doubt = nil
	if w.alreadySaid(err) {
		return nil
	}
	return err
}
