package render

import (
	"path"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// mostNames bounds how many names of a directory are compared with a missing
// one.
const mostNames = 1000

// Nearest is what a key that is not there may have been meant to be: the key,
// or the directory, whose name is like the first part of it that is not there;
// or nothing. What it looks at counts as read, so that a render that failed for
// the key comes again when one of them changes. The key begins with a slash.
func Nearest(v *kv.View, key string) string {
	for at := key; at != "/"; at = path.Dir(at) {
		names := v.List(path.Dir(at))
		if len(names) == 0 {
			continue
		}
		near := problem.Nearest(path.Base(at), names[:min(len(names), mostNames)])
		if near == "" {
			return ""
		}
		near = path.Join(path.Dir(at), near)
		if whole := near + key[len(at):]; at != key && v.Exists(whole) {
			return whole
		}
		return near
	}
	return ""
}
