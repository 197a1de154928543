package guest

import (
	"strconv"

	"github.com/wconf/wconf/runtime/kv"
)

// keys shows a View to the host functions.
type keys struct{ *kv.View }

func (k keys) Glob(pattern string, step func(int) bool, found func(key, value string) bool) error {
	return k.GlobBy(pattern, step, found)
}

func (k keys) List(dir string, step func(int) bool, found func(name string, leaf bool) bool) {
	k.ListBy(dir, step, found)
}

func (k keys) ListDirs(dir string, step func(int) bool, found func(name string, leaf bool) bool) {
	k.ListDirsBy(dir, step, found)
}

// revision is the generation of the snapshot. It changes without any key that
// the guest read, and so counts as a look at the world.
func (k keys) revision() string {
	k.NoteWorld("wconf.revision")
	return strconv.FormatUint(k.Gen(), 10)
}
