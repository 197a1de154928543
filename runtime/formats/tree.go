package formats

import "strconv"

// span is a place in a text: from is the offset of its first byte, to that
// behind the last one.
type span struct{ from, to int }

// node is one key, table or list element of a TOML text. The place of a list
// element is that of its value.
type node struct {
	key, val span
	kind     kind
	implied  bool // a table that only stands in the header of another
	children map[string]*node
	names    []string // of children, in the order of the text
}

type kind byte

const (
	isTable kind = iota
	isTables
	isArray
	isString
	isOther // numbers, booleans, dates
)

func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// add is the child of that name, made if it is not there.
func (n *node) add(name string, k kind, at span) *node {
	if n == nil {
		return nil
	}
	if c := n.children[name]; c != nil {
		return c
	}
	c := &node{key: at, kind: k}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	n.children[name] = c
	n.names = append(n.names, name)
	return c
}

// open is the table that a header names; of tables in a list the last one.
func open(at *node, parts []part, tables bool) *node {
	for i, p := range parts {
		last := i == len(parts)-1
		k := isTable
		if last && tables {
			k = isTables
		}
		known := at.child(p.name) != nil
		at = at.add(p.name, k, p.span)
		switch {
		case at == nil:
		case last && (!known || at.implied):
			at.key, at.implied = p.span, false
		case !known:
			at.implied = true
		}
		if at != nil && at.kind == isTables {
			if last && tables {
				at = at.add(strconv.Itoa(len(at.names)), isTable, p.span)
			} else if len(at.names) > 0 {
				at = at.children[at.names[len(at.names)-1]]
			}
		}
	}
	return at
}
