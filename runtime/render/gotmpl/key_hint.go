package gotmpl

import (
	"fmt"
	"path"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// mostNames bounds how many names of a directory are compared with a missing
// one.
const mostNames = 1000

// keyHint says how a missing key may come to be there: under another name, in
// the resource's keys, or by a default. What it looks at counts as read.
func (e *execution) keyHint(missing *funcs.MissingKey) string {
	key := missing.Key
	switch {
	case !strings.HasPrefix(key, "/") && e.view.Exists("/"+key):
		return "names of keys begin with a slash"
	case !strings.HasPrefix(key, "/"):
		return ""
	case !e.view.Grants(key):
		return fmt.Sprintf("the resource does not see it: add %q to keys", key)
	}
	hint := ""
	if near := e.nearest(key); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	switch missing.Function {
	case "getv":
		return hint + fmt.Sprintf("A key that may be missing has a default: {{getv %q \"…\"}}", key)
	case "get":
		return hint + fmt.Sprintf("A key that may be missing is asked for first: {{if exists %q}}", key)
	}
	return strings.TrimSuffix(hint, " ")
}

// nearest is the key, or the directory, whose name is like the first part of
// the missing key that is not there.
func (e *execution) nearest(key string) string {
	for at := key; at != "/"; at = path.Dir(at) {
		names := e.view.List(path.Dir(at))
		if len(names) == 0 {
			continue
		}
		near := problem.Nearest(path.Base(at), names[:min(len(names), mostNames)])
		if near == "" {
			return ""
		}
		near = path.Join(path.Dir(at), near)
		if whole := near + key[len(at):]; at != key && e.view.Exists(whole) {
			return whole
		}
		return near
	}
	return ""
}
