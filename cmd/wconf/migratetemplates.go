package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/problem"
)

// at is a place in a template.
func (t movedTemplate) at(offset, length int, msg string) *problem.Problem {
	return (&problem.Problem{Msg: msg, Len: length}).At(t.file, t.text, offset)
}

// eachCall asks about every call of every template; an empty answer is none.
func (m *moved) eachCall(about func(movedTemplate, templateCall) string) (met []*problem.Problem) {
	for _, t := range m.templates {
		for _, call := range t.calls {
			if msg := about(t, call); msg != "" {
				met = append(met, t.at(call.offset, len(call.name), msg))
			}
		}
	}
	return met
}

// calls finds the calls of these functions.
func calls(names ...string) func(*moved) []*problem.Problem {
	return func(m *moved) []*problem.Problem {
		return m.eachCall(func(_ movedTemplate, c templateCall) string {
			if !slices.Contains(names, c.name) {
				return ""
			}
			return c.name + " is called"
		})
	}
}

func reversedPairs(m *moved) []*problem.Problem {
	return m.eachCall(func(_ movedTemplate, c templateCall) string {
		if c.name != "reverse" || !c.pairs {
			return ""
		}
		return "what gets found is reversed"
	})
}

// sorters are functions that change their argument in confd.
var sorters = []string{"reverse", "sortByLength", "sortKVByLength"}

func sortedVariables(m *moved) []*problem.Problem {
	return m.eachCall(func(_ movedTemplate, c templateCall) string {
		if !slices.Contains(sorters, c.name) || len(c.args) == 0 {
			return ""
		}
		v := variableOf(c.args[len(c.args)-1])
		if v == "" || v == "$" {
			return ""
		}
		return fmt.Sprintf("%s of %s", c.name, v)
	})
}

// variableOf is the name of the variable that a node is, if it is one.
func variableOf(n parse.Node) string {
	switch n := n.(type) {
	case *parse.VariableNode:
		return n.Ident[0]
	case *parse.CommandNode:
		if len(n.Args) == 1 {
			return variableOf(n.Args[0])
		}
	}
	return ""
}

func rootLists(m *moved) []*problem.Problem {
	return m.eachCall(func(_ movedTemplate, c templateCall) string {
		k, ok := c.key()
		if !ok || k.key != "/" || c.name != "ls" && c.name != "lsdir" {
			return ""
		}
		return fmt.Sprintf("%s %q", c.name, k.key)
	})
}

func seqDown(m *moved) []*problem.Problem {
	return m.eachCall(func(_ movedTemplate, c templateCall) string {
		if c.name != "seq" || len(c.args) != 2 {
			return ""
		}
		first, ok := c.args[0].(*parse.NumberNode)
		last, ok2 := c.args[1].(*parse.NumberNode)
		if !ok || !ok2 || first.Int64 <= last.Int64 {
			return ""
		}
		return fmt.Sprintf("seq %s %s", first, last)
	})
}

// rawPrefixes finds keys that confd's file and env backends bring only because
// their names begin like one of the resource's keys.
func rawPrefixes(m *moved) (met []*problem.Problem) {
	for _, t := range m.templates {
		name := m.store(t.resource).Backend
		if name != "file" && name != "env" {
			continue
		}
		for _, call := range t.calls {
			k, ok := call.key()
			if key := beginsLike(name, k.key, t.resource.Keys); ok && key != "" {
				met = append(met, t.at(k.offset, len(k.key)+2, fmt.Sprintf("%s only begins like %q", k.key, key)))
			}
		}
	}
	return met
}

// beginsLike is the key whose text a name begins with, where no key covers it.
func beginsLike(store, name string, keys []string) (like string) {
	spell := func(s string) string { return s }
	if f, err := runtime.FindBackend(store); err == nil && f.Spell != nil {
		spell = f.Spell
	}
	if i := strings.IndexAny(name, `*?[\`); i >= 0 {
		name = name[:i] + "x" // any text
	}
	name = spell(name)
	for _, key := range keys {
		whole := spell(path.Join("/", strings.TrimSuffix(key, "/*")))
		if backend.Under(name, []string{whole}) {
			return ""
		}
		if strings.HasPrefix(name, whole) {
			like = key
		}
	}
	return like
}

func largeTemplates(m *moved) (met []*problem.Problem) {
	const most = 1 << 20
	for _, t := range m.templates {
		if len(t.text) > most {
			met = append(met, &problem.Problem{File: t.file, Msg: fmt.Sprintf("it has %d bytes", len(t.text))})
		}
	}
	return met
}
