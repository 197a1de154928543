package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/cache"
)

var errRefused = errors.New("connection refused")

// keptFile is a cache file that an earlier run left: /a and /b, at cursor c1.
func keptFile(t *testing.T) cache.Options {
	t.Helper()
	o := cache.Options{File: filepath.Join(t.TempDir(), "keys"), Store: "etcd a:2379"}
	run(t, &script{lists: []answer{{pairs("/a", "1", "/b", "1"), "c1", nil}}}, o, func(*cache.Cache) {})
	return o
}

func logged(o *cache.Options) *bytes.Buffer {
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	return &log
}

func TestStartWhileAway(t *testing.T) {
	o := keptFile(t)
	log := logged(&o)
	s := &script{lists: []answer{{err: errRefused}}}
	run(t, s, o, func(c *cache.Cache) {
		if c.Snapshot() != nil {
			t.Fatal("the file's keys were shown before the store could answer")
		}
		s.watch <- errRefused
		synctest.Wait()
		holds(t, c, "/a", "1", "/b", "1")
		st := c.Status()
		if st.Connected || !st.FromDisk || st.Err == nil || st.Contact.IsZero() || !st.Stale(time.Now()) {
			t.Fatalf("status: %+v", st)
		}
		u, ok := c.Take()
		if !ok || !u.First || len(u.Changes) != 0 || len(u.Prefixes) != 1 {
			t.Fatalf("first update: %+v, %v", u, ok)
		}
		time.Sleep(time.Second)
		s.watch <- backend.Batch{Puts: pairs("/a", "2"), Cursor: "c2"}
		synctest.Wait()
		if u, ok := c.Take(); !ok || u.First || len(u.Changes) != 1 || u.Changes[0].Key != "/a" {
			t.Fatalf("the delta: %+v, %v", u, ok)
		}
		if st := c.Status(); !st.Connected || st.FromDisk || s.listed != 0 || s.from[0] != "c1" {
			t.Fatalf("listed %d times, watched from %q, status %+v", s.listed, s.from, st)
		}
	})
	if strings.Count(log.String(), "starting with the keys of the cache file") != 1 || strings.Contains(log.String(), "=1 ") {
		t.Errorf("log:\n%s", log)
	}
}

// A store that accepts and says nothing is not waited for.
func TestStartWhileSilent(t *testing.T) {
	var kicks atomic.Int32
	o := keptFile(t)
	o.Notify = func() { kicks.Add(1) }
	run(t, &script{}, o, func(c *cache.Cache) {
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, ok := c.Take(); ok || kicks.Load() > 0 {
			t.Fatal("the store was not waited for")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		holds(t, c, "/a", "1", "/b", "1")
		if kicks.Load() != 1 || !c.Status().FromDisk {
			t.Fatalf("%d kicks, status %+v", kicks.Load(), c.Status())
		}
	})
}

// With the store there, a start asks it only for what happened since, and
// shows no state in between.
func TestStartContinues(t *testing.T) {
	o := keptFile(t)
	s := &script{}
	run(t, s, o, func(c *cache.Cache) {
		s.watch <- backend.Batch{Cursor: "c1"}
		synctest.Wait()
		holds(t, c, "/a", "1", "/b", "1")
		if st := c.Status(); !st.Connected || st.FromDisk || s.listed != 0 {
			t.Fatalf("listed %d times, status %+v", s.listed, st)
		}
	})
	s = &script{}
	run(t, s, o, func(c *cache.Cache) {
		s.watch <- backend.Batch{Puts: pairs("/a", "2"), Cursor: "c2"}
		time.Sleep(10 * time.Millisecond)
		s.watch <- backend.Batch{Puts: pairs("/a", "3"), Deletes: []string{"/b"}, Cursor: "c3"}
		synctest.Wait()
		if c.Snapshot() != nil {
			t.Fatal("a state in between was shown")
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		holds(t, c, "/a", "3")
		if u, ok := c.Take(); !ok || !u.First || len(u.Changes) != 0 {
			t.Fatalf("first update: %+v, %v", u, ok)
		}
	})
}

// When the history since the file is gone the store is listed, and the file's
// keys are shown only if that fails, too.
func TestStartWithLostCursor(t *testing.T) {
	for name, answers := range map[string][]answer{
		"listed": {{pairs("/a", "9"), "c9", nil}},
		"away":   {{err: errRefused}},
	} {
		t.Run(name, func(t *testing.T) {
			s, o := &script{lists: answers}, keptFile(t)
			run(t, s, o, func(c *cache.Cache) {
				s.watch <- fmt.Errorf("%w: compacted", backend.ErrCursorLost)
				synctest.Wait()
				if c.Snapshot() != nil {
					t.Fatal("the file's keys were shown before the store was listed")
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if name == "listed" {
					holds(t, c, "/a", "9")
				} else {
					holds(t, c, "/a", "1", "/b", "1")
				}
			})
		})
	}
}

// What is not known to be this store's keys, kept by us alone, is not used.
func TestForeignFile(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, o *cache.Options)
		says  string
	}{
		"store":  {func(_ *testing.T, o *cache.Options) { o.Store = "etcd b:2379" }, "another store"},
		"mode":   {func(t *testing.T, o *cache.Options) { must(t, os.Chmod(o.File, 0o640)) }, "others may open it (mode 0640)"},
		"damage": {func(t *testing.T, o *cache.Options) { must(t, os.Truncate(o.File, 100)) }, "damaged"},
		"empty":  {func(t *testing.T, o *cache.Options) { must(t, os.Truncate(o.File, 0)) }, "no cache file"},
		"link": {func(t *testing.T, o *cache.Options) {
			must(t, os.Rename(o.File, o.File+".real"))
			must(t, os.Symlink(o.File+".real", o.File))
		}, "symbolic link"},
		"folder": {func(t *testing.T, o *cache.Options) {
			must(t, os.Remove(o.File))
			must(t, os.Mkdir(o.File, 0o700))
		}, "no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			o := keptFile(t)
			log := logged(&o)
			c.spoil(t, &o)
			s := &script{lists: []answer{{pairs("/n", "1"), "n1", nil}}}
			run(t, s, o, func(c *cache.Cache) { holds(t, c, "/n", "1") })
			if !strings.Contains(log.String(), "set aside") || !strings.Contains(log.String(), c.says) {
				t.Errorf("log:\n%s", log)
			}
			if info, err := os.Lstat(o.File + ".set-aside"); err != nil || info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
				t.Errorf("set aside: %v, %v", info, err)
			}
			fresh := &script{}
			run(t, fresh, o, func(c *cache.Cache) { // a good file stands in its place
				fresh.watch <- errRefused
				synctest.Wait()
				holds(t, c, "/n", "1")
			})
		})
	}
}

// A file serves whoever asks for no more than it holds, with what was asked
// for. Its cursor is one of other prefixes, so that the store is listed.
func TestFileOfMorePrefixes(t *testing.T) {
	wide := func(t *testing.T) cache.Options {
		o := cache.Options{File: filepath.Join(t.TempDir(), "keys"), Store: "etcd a:2379"}
		s := &script{lists: []answer{{pairs("/app", "0", "/app/a", "1", "/app-old", "1", "/web/a", "1"), "c1", nil}}, prefixes: []string{"/app", "/app-old", "/web"}}
		run(t, s, o, func(*cache.Cache) {})
		return o
	}
	for name, c := range map[string]struct{ prefixes, holds []string }{
		"fewer":    {[]string{"/app", "/web"}, []string{"/app", "0", "/app/a", "1", "/web/a", "1"}},
		"narrower": {[]string{"/app/a", "/web"}, []string{"/app/a", "1", "/web/a", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := wide(t)
			away := &script{lists: []answer{{err: errRefused}}, prefixes: c.prefixes}
			run(t, away, o, func(ca *cache.Cache) {
				holds(t, ca, c.holds...)
				if u, ok := ca.Take(); !ok || !u.First || !slices.Equal(u.Prefixes, c.prefixes) || !ca.Status().FromDisk || len(away.from) > 0 {
					t.Errorf("first update %+v, watched from %q, status %+v", u, away.from, ca.Status())
				}
			})
			s := &script{lists: []answer{{pairs("/app/a", "2", "/web/a", "2"), "c2", nil}}, prefixes: c.prefixes}
			run(t, s, o, func(ca *cache.Cache) {
				holds(t, ca, "/app/a", "2", "/web/a", "2")
				time.Sleep(2 * time.Second) // and is written, without what nobody wants any more
				synctest.Wait()
				if text, _ := os.ReadFile(o.File); bytes.Contains(text, []byte("/app-old")) {
					t.Error("the file keeps what is not asked for")
				}
			})
		})
	}
	t.Run("more", func(t *testing.T) {
		o := wide(t)
		log := logged(&o)
		s := &script{lists: []answer{{err: errRefused}}, prefixes: []string{"/app", "/new"}}
		run(t, s, o, func(c *cache.Cache) {
			if c.Snapshot() != nil {
				t.Error("a part of what is asked for was shown")
			}
		})
		if !strings.Contains(log.String(), "it holds the keys below /app /app-old /web, and not all below /app /new") {
			t.Errorf("log:\n%s", log)
		}
		s = &script{lists: []answer{{err: errRefused}}, prefixes: []string{"/app"}}
		run(t, s, o, func(c *cache.Cache) { holds(t, c, "/app", "0", "/app/a", "1") }) // the file still stands
	})
}

// The file is written some time after changes, not with each, and at the end.
func TestFileIsWrittenBehind(t *testing.T) {
	o := cache.Options{File: filepath.Join(t.TempDir(), "keys")}
	writes, last := 0, fs.FileInfo(nil)
	count := func() int {
		info, err := os.Lstat(o.File)
		if err == nil && (last == nil || !os.SameFile(info, last) || info.Size() != last.Size()) {
			writes, last = writes+1, info
		}
		return writes
	}
	s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}
	run(t, s, o, func(*cache.Cache) {
		if count() != 0 {
			t.Fatal("written at once")
		}
		for i := range 300 { // 30 s of changes
			s.watch <- backend.Batch{Puts: pairs("/a", strings.Repeat("x", i)), Cursor: "c2"}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			count()
		}
		if writes < 4 || writes > 7 {
			t.Errorf("%d writes in 30 s", writes)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		settled := count()
		s.watch <- backend.Batch{Cursor: "c3"}
		time.Sleep(time.Minute)
		synctest.Wait()
		if count() != settled {
			t.Error("written without a change")
		}
	})
	info, err := os.Lstat(o.File)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	s = &script{}
	run(t, s, o, func(c *cache.Cache) {
		s.watch <- errRefused
		synctest.Wait()
		holds(t, c, "/a", strings.Repeat("x", 299))
		if s.from[0] != "c3" {
			t.Errorf("the cursor of the end was not kept: %q", s.from)
		}
	})
	names, _ := filepath.Glob(filepath.Join(filepath.Dir(o.File), "*"))
	if len(names) != 1 {
		t.Errorf("left behind: %q", names)
	}
}

// A file that cannot be written is a warning, and nothing else.
func TestFileCannotBeWritten(t *testing.T) {
	o := cache.Options{File: filepath.Join(t.TempDir(), "missing", "keys")}
	log := logged(&o)
	s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}
	run(t, s, o, func(c *cache.Cache) {
		for i := range 20 {
			s.watch <- backend.Batch{Puts: pairs("/a", fmt.Sprint(i)), Cursor: "c2"}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		holds(t, c, "/a", "19")
		if n := strings.Count(log.String(), "cannot be written"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, log)
		}
	})
}

// Another wconf that writes the same file is left alone, a dead one is not.
func TestFileOfTwo(t *testing.T) {
	o := cache.Options{File: filepath.Join(t.TempDir(), "keys")}
	log := logged(&o)
	must(t, os.WriteFile(o.File+".new", []byte("half"), 0o600))
	s := &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}
	run(t, s, o, func(*cache.Cache) {})
	if half, _ := os.ReadFile(o.File + ".new"); string(half) != "half" || !strings.Contains(log.String(), "file exists") {
		t.Errorf("%q was left; log:\n%s", half, log)
	}
	long := time.Unix(0, 0)
	must(t, os.Chtimes(o.File+".new", long, long))
	s = &script{lists: []answer{{pairs("/a", "1"), "c1", nil}}}
	run(t, s, o, func(*cache.Cache) {})
	if _, err := os.Lstat(o.File); err != nil {
		t.Error(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
