package backend

import (
	"testing"

	"github.com/wconf/wconf/runtime/kv"
)

func TestContentCursorTellsContentsApart(t *testing.T) {
	seen := map[Cursor]int{}
	for i, pairs := range [][]kv.Pair{
		nil,
		{{Key: "/a", Value: ""}},
		{{Key: "/a", Value: "1"}},
		{{Key: "/a1", Value: ""}},
		{{Key: "/a", Value: "1/b2"}},
		{{Key: "/a", Value: "1"}, {Key: "/b", Value: "2"}},
		{{Key: "/b", Value: "2"}, {Key: "/a", Value: "1"}},
	} {
		c := ContentCursor(pairs)
		if before, ok := seen[c]; ok {
			t.Errorf("contents %d and %d have one cursor", before, i)
		}
		if c != ContentCursor(pairs) {
			t.Errorf("content %d has two cursors", i)
		}
		seen[c] = i
	}
}
