package cache_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
)

// following is a cache that runs on a real etcd.
type following struct {
	*cache.Cache
	*etcd.Backend
	t     *testing.T
	lists int
	stop  func()
}

// List counts.
func (f *following) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	f.lists++
	return f.Backend.List(ctx, prefixes)
}

func follow(t *testing.T, server *etcdtest.Server, o cache.Options) *following {
	store, err := etcd.Open(backend.Config{Nodes: []string{server.Endpoint}})
	must(t, err)
	f := &following{Backend: store, t: t}
	f.Cache = cache.New(f, o)
	f.SetPrefixes([]string{"/app"})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	f.stop = func() {
		stop()
		<-done
		store.Close()
	}
	return f
}

// until waits for the value of a key.
func (f *following) until(key string, is func(value string) bool) {
	f.t.Helper()
	var value string
	come := func() (ok bool) {
		value, ok = f.Snapshot().Get(key)
		return ok && is(value)
	}
	if !needs.Await(20*time.Second, come) {
		f.t.Fatalf("%s stays %q (status %+v)", key, value, f.Status())
	}
}

func value(want string) func(string) bool { return func(got string) bool { return got == want } }

// A store that is written to all the time never differs; a cache that holds
// something else is found and mended.
func TestAuditEtcd(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	server.Put("/app/a", "1", "/app/b", "1")
	c := follow(t, server, cache.Options{})
	defer c.stop()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := range 300 {
			server.Put("/app/a", fmt.Sprint(i))
		}
	}()
	c.until("/app/a", func(v string) bool { return len(v) >= 2 })
	for busy := true; busy; {
		select {
		case <-written:
			busy = false
		default:
		}
		if differs, err := c.Audit(t.Context()); differs || err != nil {
			t.Fatalf("differs %v, %v", differs, err)
		}
	}
	c.until("/app/a", value("299"))
	c.Believe(backend.Batch{Puts: []kv.Pair{{Key: "/app/b", Value: "wrong"}, {Key: "/app/c", Value: "wrong"}}})
	if differs, err := c.Audit(t.Context()); !differs || err != nil {
		t.Fatalf("differs %v, %v", differs, err)
	}
	c.until("/app/b", value("1"))
	if _, ok := c.Snapshot().Get("/app/c"); ok || c.Status().Differences != 1 {
		t.Errorf("not mended: %+v", c.Status())
	}
}

// That nobody can read any more what the watch told of last is no difference:
// others write to the store, and somebody compacts it.
func TestAuditAfterCompaction(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	server.Put("/app/a", "1")
	c := follow(t, server, cache.Options{})
	defer c.stop()
	c.until("/app/a", value("1"))
	server.Put("/app/a", "2")
	c.until("/app/a", value("2"))
	for i := range 5 {
		server.Put("/other", fmt.Sprint(i))
	}
	server.Compact(0)
	if differs, err := c.Audit(t.Context()); differs || err != nil || c.Status().Audits != 1 {
		t.Errorf("differs %v, %v, status %+v", differs, err, c.Status())
	}
	c.Believe(backend.Batch{Puts: []kv.Pair{{Key: "/app/a", Value: "wrong"}}})
	if differs, err := c.Audit(t.Context()); !differs || err != nil {
		t.Errorf("differs %v, %v", differs, err)
	}
	c.until("/app/a", value("2"))
}

// A start from the file asks a real store only for what happened since, lists
// it when that is forgotten, and does without it.
func TestFileEtcd(t *testing.T) {
	t.Parallel()
	o := cache.Options{File: filepath.Join(t.TempDir(), "keys")}
	server := etcdtest.Start(t)
	server.Put("/app/a", "1", "/app/b", "1")
	run := func(name, a string, lists int, disk bool) {
		t.Helper()
		c := follow(t, server, o)
		defer c.stop()
		c.until("/app/a", value(a))
		if st := c.Status(); c.lists != lists || st.FromDisk != disk || st.Connected == disk {
			t.Errorf("%s: listed %d times, status %+v", name, c.lists, st)
		}
	}
	run("first", "1", 1, false)
	run("again", "1", 0, false)
	server.Put("/app/a", "2")
	server.Delete("/app/b")
	server.Put("/app/a", "3")
	run("after changes", "3", 0, false)
	server.Put("/app/a", "4")
	server.Put("/other", "1")
	server.Compact(0)
	run("after a compaction", "4", 1, false)
	server.Kill()
	run("without the store", "4", 0, true)
}
