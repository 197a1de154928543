package gotmpl

import (
	"fmt"
	"strings"

	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

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
	if near := render.Nearest(e.view, key); near != "" {
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
