package rancher

import "strings"

// Two pieces can only have a key in common when the path of one of them is at
// or above that of the other: when elements of a list have one name, or when a
// name has a slash in it.

func (d *document) isTangled(p *piece) bool {
	_, is := d.tangled[p]
	return is
}

// tangle finds the pieces that may have keys in common with another one, and
// the lists in which paths occur twice.
func (d *document) tangle() {
	t := tangle{at: make(map[string]*piece, len(d.pieces)), found: map[*piece]struct{}{}}
	for _, p := range d.pieces {
		if p.element && t.again(p) && (len(d.merged) == 0 || d.merged[len(d.merged)-1] != p.list) {
			d.merged = append(d.merged, p.list)
		}
	}
	list, within := "", false
	for _, p := range d.pieces {
		switch {
		case len(t.at) == 0:
		case !p.element:
			for _, pair := range p.pairs {
				t.above(pair.Key, 0)
			}
		default:
			if p.list != list {
				list, within = p.list, t.above(p.list+"/", 0)
			}
			if t.above(p.path, len(p.list)+1) || within {
				t.found[p] = struct{}{}
			}
		}
	}
	d.tangled = t.found
}

type tangle struct {
	at    map[string]*piece // by path
	found map[*piece]struct{}
}

// again enters a piece, and tells whether its path is that of another one.
func (t *tangle) again(p *piece) bool {
	other := t.at[p.path]
	t.at[p.path] = p
	if other == nil {
		return false
	}
	t.found[other], t.found[p] = struct{}{}, struct{}{}
	return true
}

// above finds the pieces whose paths end at a slash of text, from a place on.
func (t *tangle) above(text string, from int) (found bool) {
	for {
		next := strings.IndexByte(text[from:], '/')
		if next < 0 {
			return found
		}
		if p := t.at[text[:from+next]]; p != nil {
			t.found[p] = struct{}{}
			found = true
		}
		from += next + 1
	}
}
