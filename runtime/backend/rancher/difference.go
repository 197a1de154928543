package rancher

import (
	"slices"
	"strconv"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// change is what leads from one document to the next.
type change struct {
	puts    []kv.Pair
	deletes []string
}

// after names the content that a change makes of another one.
func (c change) after(content backend.Cursor) backend.Cursor {
	if len(c.puts)+len(c.deletes) == 0 {
		return content
	}
	all := append([]kv.Pair{{Key: string(content), Value: strconv.Itoa(len(c.puts))}}, c.puts...)
	for _, key := range c.deletes {
		all = append(all, kv.Pair{Key: key})
	}
	return backend.ContentCursor(all)
}

// difference is what leads to d; kept says which of its pieces were in the
// document before. What is the same gets the storage that it had. Only pieces
// that came or went are compared, and those that have keys in common with
// another one: there it is the order that decides.
func (k *known) difference(d *document, kept []bool) change {
	if k.first {
		d.tangle()
		return change{}
	}
	c, grew := k.compare(d, kept)
	if !grew { // then no two pieces have a key in common
		return c
	}
	d.tangle()
	if len(k.tangled)+len(d.tangled) > 0 {
		c, _ = k.compare(d, kept)
	}
	return c
}

// compare compares the pieces that are not in both documents, or tangled in
// one of them. It grew when a key is new, or in two of them.
func (k *known) compare(d *document, kept []bool) (c change, grew bool) {
	was := map[string]*kv.Pair{}
	for i, p := range k.pieces {
		if !k.used[i] || k.isTangled(p) || d.isTangled(p) {
			for j := range p.pairs {
				was[p.pairs[j].Key] = &p.pairs[j]
			}
		}
	}
	now := make(map[string]*kv.Pair, len(was))
	var order []*kv.Pair
	for i, p := range d.pieces {
		if kept[i] && !k.isTangled(p) && !d.isTangled(p) {
			continue
		}
		for j := range p.pairs {
			pair := &p.pairs[j]
			old, had := was[pair.Key]
			_, twice := now[pair.Key]
			grew = grew || !had || twice
			if had && !kept[i] {
				keep(pair, old)
			}
			now[pair.Key] = pair
			order = append(order, pair)
		}
	}
	for _, pair := range order {
		if old, had := was[pair.Key]; now[pair.Key] == pair && (!had || old.Value != pair.Value) {
			c.puts = append(c.puts, *pair)
		}
	}
	for key := range was {
		if _, still := now[key]; !still {
			c.deletes = append(c.deletes, key)
		}
	}
	slices.Sort(c.deletes)
	return c, grew
}

// keep gives a pair the storage of the one before, where they are equal.
func keep(pair, before *kv.Pair) {
	pair.Key = before.Key
	if pair.Value == before.Value {
		pair.Value = before.Value
	}
}
