package kv_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
)

// A snapshot that went through any edits equals a plain map that did, the old
// one stands as it was, and the changes lead from one to the other.
func TestApply(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s, model := (*kv.Snapshot)(nil), map[string]string{}
	for range 3000 {
		before, old := maps.Clone(model), s
		var puts []kv.Pair
		var deletes []string
		for range rnd.IntN(4) {
			deletes = append(deletes, anyKey(rnd))
		}
		for range rnd.IntN(4) {
			puts = append(puts, kv.Pair{Key: anyKey(rnd), Value: fmt.Sprint(rnd.IntN(3))})
		}
		var changes []kv.Change
		if rnd.IntN(5) == 0 {
			if rnd.IntN(2) == 0 { // as a store lists them
				slices.SortFunc(puts, func(a, b kv.Pair) int { return strings.Compare(a.Key, b.Key) })
			}
			model = map[string]string{}
			s, changes = s.Replace(puts)
		} else {
			for _, k := range deletes {
				delete(model, k)
			}
			s, changes = s.Apply(puts, deletes)
		}
		for _, p := range puts {
			model[p.Key] = p.Value
		}
		if got := maps.Collect(s.From("")); !maps.Equal(got, model) {
			t.Fatalf("after %v -%v: got %v, want %v", puts, deletes, got, model)
		}
		if got := maps.Collect(old.From("")); !maps.Equal(got, before) {
			t.Fatalf("the old snapshot changed: got %v, want %v", got, before)
		}
		if got, want := show(changes), show(difference(before, model)); got != want {
			t.Fatalf("changes: got %s, want %s", got, want)
		}
		if len(changes) == 0 && s != old {
			t.Fatal("a new snapshot without a change")
		}
	}
}

// Merging the steps between two snapshots says the same as comparing them.
func TestMergeIsDifference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		s := kv.NewSnapshot([]kv.Pair{{Key: "/a", Value: "0"}, {Key: "/b", Value: "0"}})
		first, merged := maps.Collect(s.From("")), []kv.Change(nil)
		for range 6 {
			var c []kv.Change
			if rnd.IntN(3) == 0 {
				s, c = s.Apply(nil, []string{anyKey(rnd)})
			} else {
				s, c = s.Apply([]kv.Pair{{Key: anyKey(rnd), Value: fmt.Sprint(rnd.IntN(2))}}, nil)
			}
			merged = kv.Merge(merged, c)
		}
		if got, want := show(merged), show(difference(first, maps.Collect(s.From("")))); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestScope(t *testing.T) {
	for _, c := range []struct {
		prefix string
		keys   []string
		roots  []string
		grants []string
		denies []string
	}{
		{"", []string{"/foo"}, []string{"/foo"}, []string{"/foo", "/foo/a"}, []string{"/foobar", "/", "/fo"}},
		{"prod/", []string{"app", "/app/x", "/b/"}, []string{"/prod/app", "/prod/b"}, []string{"/prod/app/y", "/prod/b"}, []string{"/app", "/prod"}},
		{"/", []string{"/"}, []string{"/"}, []string{"/a", "/a/b"}, nil},
		{"/p", []string{"/"}, []string{"/p"}, []string{"/p", "/p/a"}, []string{"/pq/a"}},
		{"", []string{"/a/*", "/a-b"}, []string{"/a", "/a-b"}, []string{"/a/x", "/a-b"}, []string{"/a-c"}},
		{"", nil, nil, nil, []string{"/", "/a"}},
	} {
		sc := kv.NewScope(c.prefix, c.keys)
		if got := sc.Roots(); !slices.Equal(got, c.roots) {
			t.Errorf("%q %q: roots %q, want %q", c.prefix, c.keys, got, c.roots)
		}
		for _, k := range c.grants {
			if !sc.Grants(k) {
				t.Errorf("%q %q: %s is not granted", c.prefix, c.keys, k)
			}
		}
		for _, k := range c.denies {
			if sc.Grants(k) {
				t.Errorf("%q %q: %s is granted", c.prefix, c.keys, k)
			}
		}
	}
}

// A scope of many keys grants what one of few does.
func TestScopeOfMany(t *testing.T) {
	many := []string{"/foo", "/b/c", "/b"}
	few := kv.NewScope("/p", many)
	for n := range 20 {
		many = append(many, fmt.Sprintf("/other/%d", n))
	}
	sc := kv.NewScope("/p", many)
	for _, k := range []string{"", "/", "/p", "/p/", "/p/foo", "/p/foo/", "/p/foo/a/b", "/p/foobar", "/p/b/c/d", "/p/bc", "p/foo", "/foo"} {
		if sc.Grants(k) != few.Grants(k) {
			t.Errorf("%q: %v for many, %v for few", k, sc.Grants(k), few.Grants(k))
		}
	}
}

func TestCanonical(t *testing.T) {
	for key, want := range map[string]bool{
		"/a": true, "/a/b c/ü": true, "/a\x00b": true, "/...": true,
		"": false, "/": false, "a": false, "/a/": false, "//a": false, "/a//b": false, "/a/../b": false, "/.": false, "/a\xff": false,
	} {
		if got := kv.Canonical(key); got != want {
			t.Errorf("Canonical(%q) = %v", key, got)
		}
	}
}

// What a view shows is what a slow and obvious reading of the visible pairs
// says; a change that no read is touched by never alters an answer.
func TestView(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 8000 {
		var pairs []kv.Pair
		for range rnd.IntN(40) {
			pairs = append(pairs, kv.Pair{Key: anyKey(rnd), Value: fmt.Sprint(rnd.IntN(3))})
		}
		for range rnd.IntN(3) { // directories that are jumped over
			dir := anyKey(rnd)
			for i := range 12 {
				pairs = append(pairs, kv.Pair{Key: fmt.Sprint(dir, "/", i), Value: "many"})
			}
		}
		var keys []string
		for range rnd.IntN(3) {
			keys = append(keys, anyPath(rnd))
		}
		if rnd.IntN(8) == 0 {
			keys = append(keys, []string{"..", "../b", "../ab", "../.."}[rnd.IntN(4)])
		}
		s, sc := kv.NewSnapshot(pairs), kv.NewScope([]string{"", "/a", "/a/b"}[rnd.IntN(3)], keys)
		ask := anyPath(rnd)
		if rnd.IntN(2) == 0 {
			ask = anyPattern(rnd)
		}
		v := kv.NewView(s, sc)
		got := answers(v, ask)
		if want := naive(s, sc, ask); got != want {
			t.Fatalf("%v %q %q: asked %s\ngot  %s\nwant %s", pairs, sc.Prefix(), keys, ask, got, want)
		}
		next, changes := s.Apply([]kv.Pair{{Key: anyKey(rnd), Value: fmt.Sprint(rnd.IntN(3))}}, []string{anyKey(rnd)})
		alters := slices.ContainsFunc(changes, func(c kv.Change) bool { return v.Reads().Alters(c, s, next) })
		if again := answers(kv.NewView(next, sc), ask); again != got && !alters {
			t.Fatalf("%v %q %q: asked %s, %s did not touch it\nbefore %s\nafter  %s", pairs, sc.Prefix(), keys, ask, show(changes), got, again)
		}
		if alters && !v.Reads().TouchesAny(changes) {
			t.Fatalf("%s alter what they do not touch", show(changes))
		}
	}
}

// A listing is altered when it brings other names, and only then; but for a
// name that it has twice.
func TestListingsAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	altered, twice := 0, 0
	for range 30_000 {
		var pairs []kv.Pair
		for range rnd.IntN(20) {
			pairs = append(pairs, kv.Pair{Key: anyKey(rnd)})
		}
		keys := []string{"/"}
		if rnd.IntN(2) == 0 {
			keys = []string{anyKey(rnd), anyKey(rnd)}[:1+rnd.IntN(2)]
		}
		s, sc := kv.NewSnapshot(pairs), kv.NewScope([]string{"", "/a"}[rnd.IntN(2)], keys)
		ask, list := []string{"/", "/a", "/b/", anyPath(rnd), anyPath(rnd) + "/"}[rnd.IntN(5)], (*kv.View).List
		if rnd.IntN(2) == 0 {
			list = (*kv.View).ListDirs
		}
		var puts []kv.Pair
		for range rnd.IntN(3) {
			puts = append(puts, kv.Pair{Key: anyKey(rnd)})
		}
		var deletes []string
		for _, p := range pairs[:min(len(pairs), rnd.IntN(4))] {
			deletes = append(deletes, p.Key)
		}
		next, changes := s.Apply(puts, deletes)
		v := kv.NewView(s, sc)
		before, after := list(v, ask), list(kv.NewView(next, sc), ask)
		alters := slices.ContainsFunc(changes, func(c kv.Change) bool { return sc.Grants(c.Key) && v.Reads().Alters(c, s, next) })
		if changed := !slices.Equal(before, after); changed != alters {
			if changed || len(sc.Roots()) == 1 && !slices.Contains(before, path.Base(ask)) {
				t.Fatalf("%v %q %q: asked %s;%s alter it: %v\nbefore %s\nafter  %s", pairs, sc.Prefix(), sc.Roots(), ask, show(changes), alters, before, after)
			}
			twice++
		}
		if alters {
			altered++
		}
	}
	if altered < 1000 || twice > altered/20 {
		t.Errorf("%d listings were altered, %d without another name", altered, twice)
	}
}

// BenchmarkAlters asks whether a lease that comes below a wide directory alters
// its listing.
func BenchmarkAlters(b *testing.B) {
	var pairs []kv.Pair
	for i := range 200_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/services/%05d/%d", i/10, i%10), Value: "v"})
	}
	s := kv.NewSnapshot(pairs)
	v := kv.NewView(s, kv.NewScope("", []string{"/"}))
	v.List("/services")
	next, changes := s.Apply([]kv.Pair{{Key: "/services/01000/lease"}}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if v.Reads().Alters(changes[0], s, next) {
			b.Fatal("it does")
		}
	}
}

// A walk that is ended after any of its steps has found the first of what it
// finds otherwise, and has read the same.
func TestWalksThatEnd(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	ended := 0
	for range 5000 {
		var pairs []kv.Pair
		for range rnd.IntN(40) {
			pairs = append(pairs, kv.Pair{Key: anyKey(rnd)})
		}
		keys := []string{"/"}
		if rnd.IntN(2) == 0 {
			keys = []string{anyKey(rnd), anyKey(rnd), anyKey(rnd)}
		}
		s, sc := kv.NewSnapshot(pairs), kv.NewScope([]string{"", "/a"}[rnd.IntN(2)], keys)
		path, pattern, which := anyPath(rnd), anyPattern(rnd), rnd.IntN(3)
		walk := func(steps int) (found []string, left int, reads kv.ReadSet) {
			v := kv.NewView(s, sc)
			step := func(cost int) bool { steps -= cost; return steps >= 0 }
			add := func(name string, leaf bool) bool { found = append(found, fmt.Sprint(name, leaf)); return true }
			switch which {
			case 0:
				v.ListBy(path, step, add)
			case 1:
				v.ListDirsBy(path, step, add)
			case 2:
				v.GlobBy(pattern, step, func(key, _ string) bool { return add(key, true) })
			}
			return found, steps, v.Reads()
		}
		all, left, reads := walk(1000)
		for n := range 1000 - left {
			some, _, same := walk(n)
			if len(some) > len(all) || !slices.Equal(some, all[:len(some)]) || !same.Equal(reads) {
				t.Fatalf("%v %q %q: %s %s %d: after %d steps %q of %q, with the reads %v and not %v", pairs, sc.Prefix(), keys, path, pattern, which, n, some, all, same, reads)
			}
			if len(some) < len(all) {
				ended++
			}
		}
	}
	if ended < 1000 {
		t.Errorf("%d walks ended before they had found everything", ended)
	}
}

// The steps of a pattern are those of the directories that it looks into, and
// a pattern of thousands of segments costs no more than its length.
func TestStepsOfGlobs(t *testing.T) {
	var pairs []kv.Pair
	for _, k := range []string{"/a/1/x", "/a/1/y", "/a/2/x", "/a/3", "/b/1/x"} {
		pairs = append(pairs, kv.Pair{Key: k})
	}
	s := kv.NewSnapshot(pairs)
	for pattern, want := range map[string]int{
		"/a/3": 0, "/a/*": 3, "/*": 2, "/*/*": 2 + 3 + 1, "/a/*/x": 3, "/a/*/?": 3 + 2 + 1, "/none/*": 0, "/[a]/*": 5,
		"/a/*" + strings.Repeat("/x", 2000) + "/*": 3, "/a/" + strings.Repeat("*", 640): 3 * 11,
	} {
		steps := 0
		if err := kv.NewView(s, kv.NewScope("", []string{"/"})).GlobBy(pattern, func(cost int) bool { steps += cost; return true }, func(string, string) bool { return true }); err != nil || steps != want {
			t.Errorf("%.20s: %d steps, %v; want %d", pattern, steps, err, want)
		}
	}
}

// A pattern brings nothing that the resource may not see, though it begins in
// the same way.
func TestGlobKeepsToTheScope(t *testing.T) {
	var pairs []kv.Pair
	for _, k := range []string{"/app", "/app/a", "/app-b/c", "/app2", "/appb/x", "/web", "/web/1", "/web2"} {
		pairs = append(pairs, kv.Pair{Key: k})
	}
	s := kv.NewSnapshot(pairs)
	for _, c := range []struct {
		prefix  string
		keys    []string
		pattern string
		want    []string
	}{
		{"", []string{"/web"}, "/web*", []string{"/web"}},
		{"", []string{"/web"}, "/web[2-9]", nil},
		{"", []string{"/web"}, "/*", []string{"/web"}},
		{"/app", []string{"/"}, "*", nil},
		{"/app", []string{"/"}, "?", nil},
		{"/app", []string{"/"}, "[2-9]", nil},
		{"/app", []string{"/"}, "", nil},
		{"/app", []string{"/"}, "*/*", []string{"/a"}},
		{"/app", []string{".."}, "b/[x-z]", nil},
		{"/app", []string{".."}, "/*", []string{"/a"}},
		{"", []string{"/app", "/app-b"}, "/*/*", []string{"/app-b/c", "/app/a"}},
		{"", []string{"/app", "/app-b"}, "/app[^x]*", []string{"/app/a"}},
	} {
		found, err := kv.NewView(s, kv.NewScope(c.prefix, c.keys)).Glob(c.pattern)
		var got []string
		for _, p := range found {
			got = append(got, p.Key)
		}
		if !slices.Equal(got, c.want) || err != nil {
			t.Errorf("prefix %q, keys %q: %s brings %q, %v; want %q", c.prefix, c.keys, c.pattern, got, err, c.want)
		}
	}
}

// BenchmarkGlob looks for a few keys of a tree of 100,000, which is shallow
// for the pattern or deep below what it names.
func BenchmarkGlob(b *testing.B) {
	var pairs []kv.Pair
	for i := range 100_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/app/%03d/%d", i%1000, i)})
	}
	s, all := kv.NewSnapshot(pairs), kv.NewScope("", []string{"/app"})
	for _, pattern := range []string{"/app/*", "/app/007/*", "/app/*/7", "/app/00*/*", "/app/*/*", "/app/*/[7]"} {
		b.Run(pattern[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				kv.NewView(s, all).Glob(pattern)
			}
		})
	}
}

func answers(v *kv.View, ask string) string {
	value, ok := v.Get(ask)
	pairs, err := v.Glob(ask)
	return fmt.Sprint(value, ok, v.Exists(ask), pairs, err, v.List(ask), v.ListDirs(ask))
}

func naive(s *kv.Snapshot, sc kv.Scope, ask string) string {
	visible := map[string]string{}
	for k, v := range s.From("") {
		if rel, ok := strings.CutPrefix(k, sc.Prefix()+"/"); ok && sc.Grants(k) {
			visible["/"+rel] = v
		}
	}
	value, ok := visible[ask]
	var pairs []kv.Pair
	var err error
	names, dirs := map[string]bool{}, map[string]bool{}
	dir := strings.TrimSuffix(ask, "/")
	for _, k := range slices.Sorted(maps.Keys(visible)) {
		m, bad := path.Match(ask, k)
		if m {
			pairs = append(pairs, kv.Pair{Key: k, Value: visible[k]})
		}
		if err == nil {
			err = bad
		}
		if k == ask {
			names[path.Base(k)] = true
		}
		if below, ok := strings.CutPrefix(k, dir+"/"); ok && strings.HasPrefix(ask, "/") {
			name, _, deeper := strings.Cut(below, "/")
			names[name] = true
			if deeper {
				dirs[name] = true
			}
		}
	}
	return fmt.Sprint(value, ok, ok, pairs, err, slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(dirs)))
}

func anyKey(rnd *rand.Rand) string {
	k := ""
	for range 1 + rnd.IntN(3) {
		k += "/" + []string{"a", "b", "a-b", "ab", "a0", "0"}[rnd.IntN(6)]
	}
	return k
}

func anyPath(rnd *rand.Rand) string {
	if rnd.IntN(6) == 0 {
		return []string{"/", "", "b"}[rnd.IntN(3)]
	}
	return anyKey(rnd)
}

// anyPattern is of path.Match, also one that matches nothing, or is malformed.
func anyPattern(rnd *rand.Rand) (p string) {
	for range 1 + rnd.IntN(4) {
		p += "/" + []string{"*", "*", "**", "?", "a*", "a?b", "*b", "a", "b", "a-b", "", "[a-b]", "[^a]", `\a`, "a[", "*?"}[rnd.IntN(16)]
	}
	if rnd.IntN(8) == 0 {
		p = p[1:]
	}
	return p
}

func difference(a, b map[string]string) (cs []kv.Change) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		c := kv.Change{Key: k}
		if v, ok := a[k]; ok {
			c.Old = &v
		}
		if v, ok := b[k]; ok {
			c.New = &v
		}
		if c.Old == nil || c.New == nil || *c.Old != *c.New {
			cs = append(cs, c)
		}
	}
	return cs
}

func show(cs []kv.Change) (out string) {
	text := func(p *string) string {
		if p == nil {
			return "-"
		}
		return *p
	}
	for _, c := range cs {
		out += fmt.Sprintf(" %s:%s>%s", c.Key, text(c.Old), text(c.New))
	}
	return out
}

func BenchmarkReplace(b *testing.B) {
	var pairs []kv.Pair
	for i := range 100_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/app/%06d", i), Value: "v"})
	}
	s := kv.NewSnapshot(pairs)
	for name, pairs := range map[string][]kv.Pair{"sorted": pairs, "document": append(slices.Clone(pairs[1:]), pairs[0])} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Replace(pairs)
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var pairs []kv.Pair
			for i := range n {
				pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/app/%d/%d", i%100, i), Value: "v"})
			}
			s := kv.NewSnapshot(pairs)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s, _ = s.Apply([]kv.Pair{{Key: pairs[i%n].Key, Value: fmt.Sprint(i)}}, nil)
			}
		})
	}
}
