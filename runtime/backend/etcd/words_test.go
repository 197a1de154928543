package etcd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
	"github.com/wconf/wconf/runtime/kv"
)

func TestSpans(t *testing.T) {
	keys := []string{"\x00", "!", "/", "//", "/app", "/app!", "/app-old/x", "/app/", "/app/\x00", "/app/a", "/app/\xff\xff", "/app0", "/apple", "/b", "0", "app", "app/a", "\xff"}
	for _, c := range []struct {
		prefix string
		bare   bool
		want   string
	}{
		{"/app", false, "/app /app/ /app/\x00 /app/a /app/\xff\xff"},
		{"/app", true, "/app /app/ /app/\x00 /app/a /app/\xff\xff app app/a"},
		{"/", false, "/ // /app /app! /app-old/x /app/ /app/\x00 /app/a /app/\xff\xff /app0 /apple /b"},
		{"/", true, strings.Join(keys, " ")},
		{"/absent", false, ""},
	} {
		sc := newScope([]string{c.prefix}, c.bare)
		var asked, read, watched []string
		for _, k := range keys {
			if sc.holds(k) {
				asked = append(asked, k)
			}
			for _, p := range sc.parts() {
				for _, s := range append(slices.Clone(p.tree), p.self) {
					if s.start != "" && s.holds(k) {
						read = append(read, k)
					}
				}
				if p.around.holds(k) && sc.holds(k) {
					watched = append(watched, k)
				}
			}
		}
		slices.Sort(read)
		for name, got := range map[string][]string{"asked for": asked, "read": read, "watched": watched} {
			slices.Sort(got)
			want := strings.Fields(c.want)
			slices.Sort(want)
			if !slices.Equal(got, want) && c.want != "" || c.want == "" && len(got) > 0 {
				t.Errorf("%+v: %s %q, want %q", c, name, got, c.want)
			}
		}
	}
	for _, c := range []struct {
		spans []span
		want  span
	}{
		{[]span{{"/a", "/a0"}, {"/c", "/c0"}}, span{"/a", "/c0"}},
		{[]span{exactly("/b"), exactly("/a")}, span{"/a", "/b\x00"}},
		{[]span{exactly("/b")}, span{"/b", "/b\x00"}},
		{[]span{{"/b", "/c"}, {"\x00", everything}}, span{"\x00", everything}},
	} {
		if got := covering(c.spans); got != c.want {
			t.Errorf("covering(%q) = %q, want %q", c.spans, got, c.want)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "1.c1.5.ff.3.4.v0011223344556677.L2FwcA", "1.c1.0.ff.3.4.v.", "1.c1.5.ff.-3.4.v.L2", "1.ffffffffffffffff.9223372036854775807.0.0.0..", "2.1.1.1.1.1.v.", "1.1.5.1.1.6.v.", "1........"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(backend.Cursor(s))
		if err != nil {
			if !errors.Is(err, backend.ErrCursorLost) {
				t.Errorf("%q: %v is not ErrCursorLost", s, err)
			}
			return
		}
		again, err := parseCursor(c.text())
		if err != nil || again != c {
			t.Errorf("%q: %+v comes back as %+v, %v", s, c, again, err)
		}
	})
}

func TestCursorKeepsAnyKey(t *testing.T) {
	for _, key := range []string{"", "/app", "/a.b/\x00\xff\n"} {
		c := cursor{1 << 63, 9, 7, 3, mark{key, 8, "v00"}}
		if got, err := parseCursor(c.text()); err != nil || got != c {
			t.Errorf("%+v comes back as %+v, %v", c, got, err)
		}
	}
}

// The mark of a large value is fetched without it.
func TestMark(t *testing.T) {
	kv := &api.KeyValue{Key: "/a", Value: strings.Repeat("x", largestMark+1), ModRevision: 3, CreateRevision: 2, Version: 2}
	m := markOf(kv)
	kv.Value = ""
	if !m.large() || !m.is(kv) {
		t.Error("a large value is not recognised by its revisions")
	}
	kv.Version++
	if m.is(kv) {
		t.Error("another version is taken for the mark")
	}
	kv.Value = "small"
	m = markOf(kv)
	kv.Value = "other"
	if m.large() || m.is(kv) {
		t.Error("another value is taken for the mark")
	}
}

// Events may wait for another watcher, but not without bound.
func TestPendingIsBounded(t *testing.T) {
	f := &frontier{}
	big := &api.Event{Kv: api.KeyValue{Key: "/a", Value: strings.Repeat("x", 1<<20), ModRevision: 5}}
	for range maxPending>>20 - 1 {
		if err := f.add([]*api.Event{big}); err != nil {
			t.Fatal(err)
		}
	}
	if f.add([]*api.Event{big}) == nil {
		t.Error("there is no bound")
	}
	f.take(5)
	if f.bytes != 0 {
		t.Errorf("%d bytes are left of nothing", f.bytes)
	}
}

// What was complete stays complete.
func TestNothingAfterComplete(t *testing.T) {
	sc := newScope([]string{"/app"}, false)
	for key, bad := range map[string]bool{"/app/a": true, "/app-old": false} {
		c := cursor{rev: 9}
		_, err := c.advance([]*api.Event{{Kv: api.KeyValue{Key: key, ModRevision: 8}}}, sc)
		if (err != nil) != bad || c.rev != 9 {
			t.Errorf("%s: revision %d, %v", key, c.rev, err)
		}
	}
}

// Keys with and without a slash under one path: the slashed one stands.
func TestBareKeys(t *testing.T) {
	onFake(t, backend.Config{BareKeys: true}, func(t *testing.T, f *fake, b *Backend) {
		f.commit("app/a", "bare", "app/b", "bare", "other", "x", "/app//c", "odd", "/app/c", "1")
		l := list(t, b, "/app")
		if got := words(backend.Batch{Puts: l.Pairs}); got != "/app//c=odd /app/a=1 /app/b=bare /app/c=1" {
			t.Fatalf("listed %s", got)
		}
		w := follow(t, b, l.Cursor, "/app")
		w.fresh(time.Second)
		f.commit("app/a", "hidden")
		f.commit("app/b", "shown")
		w.want("/app/b=shown")
		f.commit("/app/a", "-")
		w.want("/app/a=hidden") // read: it was never sent
		f.commit("/app/a", "2", "app/b", "-")
		w.want("-/app/b /app/a=2")
		f.commit("/app/a", "-", "app/a", "-")
		w.want("-/app/a")
		f.commit("/app//c", "-")
		w.want("-/app//c") // "/app/c" is no twin of it
		f.commit("/app/new", "1", "app/new", "2")
		w.want("/app/new=1")
	})
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.commit("app/b", "bare")
		if l := list(t, b, "/"); len(l.Pairs) != 1 {
			t.Errorf("listed %v", l.Pairs)
		}
	})
}

func TestDiffers(t *testing.T) {
	for _, bare := range []bool{false, true} {
		t.Run(fmt.Sprint("bare ", bare), func(t *testing.T) {
			onFake(t, backend.Config{BareKeys: bare}, func(t *testing.T, f *fake, b *Backend) {
				f.commit("/app/b", "2", "/app//hidden", "x", "/web", "3", "/web/a", "4")
				same := kv.NewSnapshot([]kv.Pair{{Key: "/app/a", Value: "1"}, {Key: "/app/b", Value: "2"}, {Key: "/web", Value: "3"}, {Key: "/web/a", Value: "4"}, {Key: "/zzz", Value: "beside"}})
				differs := func(want bool, s *kv.Snapshot) {
					t.Helper()
					if got, err := b.Differs(t.Context(), []string{"/web", "/app"}, s); got != want || err != nil {
						t.Errorf("Differs = %v, %v, want %v", got, err, want)
					}
				}
				differs(false, same)
				for _, puts := range [][]kv.Pair{{{Key: "/app/a", Value: "other"}}, {{Key: "/app/new", Value: "1"}}, {{Key: "/web/z", Value: "1"}}} {
					other, _ := same.Apply(puts, nil)
					differs(true, other)
				}
				for _, k := range []string{"/app/a", "/web", "/web/a"} {
					other, _ := same.Apply(nil, []string{k})
					differs(true, other)
				}
				// With a watch, at the revision that it has come to.
				w := follow(t, b, list(t, b, "/app", "/web").Cursor, "/app", "/web")
				w.fresh(time.Second)
				f.commit("/app/a", "on its way")
				time.Sleep(100 * time.Millisecond)
				differs(false, same)
				w.want("/app/a=on its way")
				synctest.Wait()
				differs(true, same)
			})
		})
	}
}
