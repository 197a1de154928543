package formats

import (
	"strconv"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// flattenTOML walks the decoded table; dates are taken from the text, as
// written.
func (f *flattener) flattenTOML(text string) error {
	if p := tooLarge(problem.FormatInvalid, "a TOML text", len(text), maxTOML); p != nil {
		return p
	}
	d := &Doc{text: strings.TrimPrefix(text, bom), root: &node{}}
	if p := tomlData(readTOML(d.text, &d.Table, d.root)); p != nil {
		return p
	}
	return f.tomlValue(d, d.root, d.Table, "")
}

func (f *flattener) tomlValue(d *Doc, n *node, value any, at string) error {
	if err := f.enter(at); err != nil {
		return err
	}
	defer f.leave()
	switch v := value.(type) {
	case map[string]any:
		for _, name := range n.names {
			if err := f.tomlValue(d, n.children[name], v[name], join(at, name)); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range v {
			if err := f.tomlValue(d, n.children[strconv.Itoa(i)], e, join(at, strconv.Itoa(i))); err != nil {
				return err
			}
		}
	case []map[string]any:
		for i, e := range v {
			if err := f.tomlValue(d, n.children[strconv.Itoa(i)], e, join(at, strconv.Itoa(i))); err != nil {
				return err
			}
		}
	case string:
		return f.put(at, v)
	case bool:
		return f.put(at, strconv.FormatBool(v))
	case int64:
		return f.put(at, strconv.FormatInt(v, 10))
	case float64:
		return f.put(at, float(v))
	case time.Time:
		return f.put(at, d.text[n.val.from:n.val.to])
	}
	return nil
}
