package engine_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// naive answers what one resource asks, by a walk over all keys that it sees.
// It notes every question, and shares no code with package kv: what a render
// depends on is here the answers that it got, and nothing else.
type naive struct {
	sees    map[string]string
	granted func(key string) bool
	asked   questions
}

// questions is what was asked: the word and its argument.
type questions map[[2]string]struct{}

// sight is what the resources of one scope see of a state of the store.
type sight struct {
	sees    map[string]string
	answers map[[2]string]string // of questions that were asked again
}

// answer asks a question again.
func (s sight) answer(q [2]string) string {
	if a, ok := s.answers[q]; ok {
		return a
	}
	n, a := &naive{sees: s.sees, asked: questions{}}, ""
	switch word, arg := q[0], q[1]; word {
	case "get":
		v, ok := n.get(arg)
		a = fmt.Sprint(ok, v)
	case "exists":
		a = fmt.Sprint(n.exists(arg))
	case "gets":
		a = fmt.Sprintf("%q", n.gets(arg))
	case "ls":
		a = fmt.Sprint(n.ls(arg))
	case "lsdir":
		a = fmt.Sprint(n.lsdir(arg))
	}
	s.answers[q] = a
	return a
}

// altered tells whether one of the questions has another answer now.
func (q questions) altered(before, now sight) bool {
	for one := range q {
		if before.answer(one) != now.answer(one) {
			return true
		}
	}
	return false
}

// within is the keys below a prefix that are at or below one of the grants,
// relative to the prefix.
func within(state map[string]string, prefix string, grants []string) map[string]string {
	sees := map[string]string{}
	for k, v := range state {
		if rel, ok := strings.CutPrefix(k, prefix); ok && below(k, grants) {
			sees[rel] = v
		}
	}
	return sees
}

func below(key string, grants []string) bool {
	return slices.ContainsFunc(grants, func(g string) bool { return strings.HasPrefix(key+"/", g+"/") })
}

func (n *naive) note(word, arg string) { n.asked[[2]string{word, arg}] = struct{}{} }

func (n *naive) get(key string) (string, bool) {
	n.note("get", key)
	v, ok := n.sees[key]
	return v, ok
}

func (n *naive) exists(key string) bool {
	n.note("exists", key)
	_, ok := n.sees[key]
	return ok
}

func (n *naive) gets(pattern string) (found []kv.Pair) {
	n.note("gets", pattern)
	for _, k := range slices.Sorted(maps.Keys(n.sees)) {
		if ok, _ := path.Match(pattern, k); ok {
			found = append(found, kv.Pair{Key: k, Value: n.sees[k]})
		}
	}
	return found
}

func (n *naive) ls(dir string) []string {
	n.note("ls", dir)
	names := map[string]bool{}
	for k := range n.sees {
		if below, ok := strings.CutPrefix(k, strings.TrimSuffix(dir, "/")+"/"); ok {
			name, _, _ := strings.Cut(below, "/")
			names[name] = true
		}
		if k == dir {
			names[path.Base(k)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (n *naive) lsdir(dir string) []string {
	n.note("lsdir", dir)
	names := map[string]bool{}
	for k := range n.sees {
		if below, ok := strings.CutPrefix(k, strings.TrimSuffix(dir, "/")+"/"); ok && strings.Contains(below, "/") {
			name, _, _ := strings.Cut(below, "/")
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// cannot ends the twin of a render that fails.
type cannot struct{}

func (n *naive) must(key string) string {
	v, ok := n.get(key)
	if !ok {
		n.hint(key)
		panic(cannot{})
	}
	return v
}

// hint asks what the hint of a missing key asks (see render.Nearest).
func (n *naive) hint(key string) {
	for at := key; at != "/" && n.granted(key); at = path.Dir(at) {
		if names := n.ls(path.Dir(at)); len(names) > 0 {
			if near := problem.Nearest(path.Base(at), names); near != "" && at != key {
				n.exists(path.Join(path.Dir(at), near) + key[len(at):])
			}
			return
		}
	}
}

func (n *naive) or(key, fallback string) string {
	if v, ok := n.get(key); ok {
		return v
	}
	return fallback
}

// open decrypts a value of vault.
func open(value string) string {
	plain, ok := vault[value]
	if !ok {
		panic(cannot{})
	}
	return plain
}

// values is the values of pairs in their own order.
func values(pairs []kv.Pair) (all []string) {
	for _, p := range pairs {
		all = append(all, p.Value)
	}
	slices.Sort(all)
	return all
}

// opened is pairs with decrypted values.
func opened(pairs []kv.Pair) []kv.Pair {
	for i := range pairs {
		pairs[i].Value = open(pairs[i].Value)
	}
	return pairs
}

// byHand is what a resource makes of what it sees, and what it asks for that.
func (tw *twin) byHand(sees map[string]string) (text string, asked questions, ok bool) {
	sc := scopes[tw.scoped]
	n := &naive{sees, func(key string) bool { return below(sc.prefix+key, sc.grants) }, questions{}}
	defer func() {
		if p := recover(); p != nil {
			if _, fails := p.(cannot); !fails {
				panic(p)
			}
			text, asked, ok = "", n.asked, false
		}
	}()
	return tw.by(n), n.asked, true
}
