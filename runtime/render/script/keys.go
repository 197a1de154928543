package script

import (
	"iter"
	"strconv"

	"github.com/wconf/wconf/runtime/kv"
)

// keys shows a View to the host functions.
type keys struct{ *kv.View }

// Glob yields what a View's Glob found.
func (k keys) Glob(pattern string) (iter.Seq2[string, string], error) {
	pairs, err := k.View.Glob(pattern)
	return func(yield func(string, string) bool) {
		for _, p := range pairs {
			if !yield(p.Key, p.Value) {
				return
			}
		}
	}, err
}

// revision is the generation of the snapshot. It changes without any key that
// the script read, and so counts as a look at the world.
func (k keys) revision() string {
	k.NoteWorld("wconf.revision")
	return strconv.FormatUint(k.Gen(), 10)
}
