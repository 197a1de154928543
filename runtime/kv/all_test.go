package kv_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
)

// All finds what a scope grants, whatever the names are; AllByName finds the same
// in the order of names.
func TestAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "a-", "a-b", "a--", "a.b", "a!", "a!b", "a0", "b", "b-a", "-", "--", ".a", "ab"}
	path := func() string {
		var b strings.Builder
		for range 1 + random.IntN(4) {
			b.WriteString("/" + names[random.IntN(len(names))])
		}
		return b.String()
	}
	for range 2000 {
		var pairs []kv.Pair
		for range random.IntN(30) {
			key := path()
			pairs = append(pairs, kv.Pair{Key: key, Value: "<" + key + ">"})
		}
		prefix, keys := "", []string{"/"}
		if random.IntN(2) == 0 {
			prefix = "/a"
		}
		if random.IntN(2) == 0 {
			keys = []string{path(), path(), path()}
		}
		s, sc := kv.NewSnapshot(pairs), kv.NewScope(prefix, keys)
		var want []string
		for full := range s.Under("/") {
			if key, ok := strings.CutPrefix(full, prefix); ok && strings.HasPrefix(key, "/") && sc.Grants(full) {
				want = append(want, key)
			}
		}
		var got, byName []string
		v := kv.NewView(s, sc)
		v.All(nil, func(key, value string) bool {
			if value != "<"+prefix+key+">" {
				t.Errorf("%s is %s", key, value)
			}
			got = append(got, key)
			return true
		})
		v.AllByName(nil, func(key, value string) bool {
			if value != "<"+prefix+key+">" {
				t.Errorf("%s is %s", key, value)
			}
			byName = append(byName, key)
			return true
		})
		if !slices.Equal(got, want) {
			t.Fatalf("prefix %q, keys %q:\n%q\nwant %q", prefix, keys, got, want)
		}
		slices.SortFunc(want, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
		if !slices.Equal(byName, want) {
			t.Fatalf("prefix %q, keys %q, by name:\n%q\nwant %q", prefix, keys, byName, want)
		}
		// A key matters when it can come to be among them.
		for range 10 {
			key := path()
			in := sc.Grants(key) && strings.HasPrefix(key, prefix+"/")
			if v.Reads().Touches(kv.Change{Key: key}) != in && key != prefix {
				t.Errorf("prefix %q, keys %q: %s counts %v", prefix, keys, key, !in)
			}
		}
	}
}

// All of it ends when a step says no.
func TestAllStops(t *testing.T) {
	s := kv.NewSnapshot([]kv.Pair{{Key: "/a", Value: "1"}, {Key: "/a/b", Value: "2"}, {Key: "/a-b", Value: "3"}, {Key: "/b/c", Value: "4"}})
	for name, all := range map[string]func(*kv.View, kv.Step, func(string, string) bool){"all": (*kv.View).All, "by name": (*kv.View).AllByName} {
		steps := 0
		all(kv.NewView(s, kv.NewScope("", []string{"/"})), func(int) bool { steps++; return true }, func(string, string) bool { return true })
		for most := range steps {
			n, found := 0, 0
			v := kv.NewView(s, kv.NewScope("", []string{"/"}))
			all(v, func(int) bool { n++; return n <= most }, func(string, string) bool { found++; return true })
			if n != most+1 || found > most || !v.Reads().Touches(kv.Change{Key: "/z"}) {
				t.Errorf("%s: %d steps of %d, %d found", name, n, most, found)
			}
		}
		for most := range 4 {
			n := 0
			all(kv.NewView(s, kv.NewScope("", []string{"/"})), nil, func(string, string) bool { n++; return n <= most })
			if n != most+1 {
				t.Errorf("%s: %d found, of %d", name, n, most)
			}
		}
	}
}
