package backend

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"runtime"

	"github.com/wconf/wconf/runtime/kv"
)

// ContentCursor is the cursor of a store without a history: a hash of
// everything it holds, in order.
func ContentCursor(pairs []kv.Pair) Cursor {
	h := sha256.New()
	var line []byte
	for _, p := range pairs {
		line = binary.AppendUvarint(line[:0], uint64(len(p.Key)))
		line = append(line, p.Key...)
		line = binary.AppendUvarint(line, uint64(len(p.Value)))
		line = append(line, p.Value...)
		h.Write(line)
	}
	return Cursor(hex.EncodeToString(h.Sum(nil)))
}

// Offer sends what a store without a history holds now to a watcher that holds
// what cursor says: the whole truth when that differs, else a batch that
// changes nothing. It returns the watcher's new cursor, or why ctx ended.
func Offer(ctx context.Context, out chan<- Batch, pairs []kv.Pair, held Cursor) (Cursor, error) {
	b := Batch{Cursor: ContentCursor(pairs)}
	if b.Cursor != held {
		b.Full, b.Puts = true, pairs
	}
	return b.Cursor, Send(ctx, out, b)
}

// Send sends a batch, or returns why ctx ended before somebody received it.
func Send(ctx context.Context, out chan<- Batch, b Batch) error {
	select {
	case out <- b:
		runtime.Gosched() // what is done with it goes first, on this core
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Below returns the pairs at or below prefixes, in their order.
func Below(pairs []kv.Pair, prefixes []string) []kv.Pair {
	below, wanted := make([]kv.Pair, 0, len(pairs)), NewRoots(prefixes)
	for _, p := range pairs {
		if wanted.Cover(p.Key) {
			below = append(below, p)
		}
	}
	return below
}
