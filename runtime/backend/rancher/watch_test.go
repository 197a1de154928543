package rancher

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// watching follows a fake from its listing, in a bubble.
type watching struct {
	t     *testing.T
	m     *metadata
	keys  *kv.Snapshot
	held  backend.Cursor
	out   chan backend.Batch
	ended chan error
	stop  context.CancelFunc
}

func watch(t *testing.T, h http.Handler, c backend.Config, prefixes ...string) *watching {
	t.Helper()
	w := &watching{t: t, m: bubbled(t, h, c)}
	l, err := w.m.List(t.Context(), prefixes)
	if err != nil {
		t.Fatal(err)
	}
	w.held, w.keys = l.Cursor, kv.NewSnapshot(l.Pairs)
	w.begin(prefixes...)
	return w
}

func (w *watching) begin(prefixes ...string) {
	var ctx context.Context
	ctx, w.stop = context.WithCancel(w.t.Context())
	w.out, w.ended = make(chan backend.Batch), make(chan error, 1)
	go func() { w.ended <- w.m.Watch(ctx, prefixes, w.held, w.out) }()
}

// within collects what there is after each change within d.
func (w *watching) within(d time.Duration) (contents []string, beats int) {
	w.t.Helper()
	for end := time.After(d); ; {
		select {
		case b := <-w.out:
			w.held = b.Cursor
			if b.Full || len(b.Puts)+len(b.Deletes) > 0 {
				w.keys = applied(w.keys, b)
				contents = append(contents, words(slices.Collect(all(w.keys))))
			} else {
				beats++
			}
		case err := <-w.ended:
			w.t.Fatalf("Watch ended: %v", err)
		case <-end:
			return contents, beats
		}
	}
}

// applied is what a cache makes of a batch.
func applied(s *kv.Snapshot, b backend.Batch) *kv.Snapshot {
	if b.Full {
		s, _ = s.Replace(b.Puts)
	} else {
		s, _ = s.Apply(b.Puts, b.Deletes)
	}
	return s
}

func all(s *kv.Snapshot) iter.Seq[kv.Pair] {
	return func(yield func(kv.Pair) bool) {
		for k, v := range s.From("") {
			if !yield(kv.Pair{Key: k, Value: v}) {
				return
			}
		}
	}
}

func only(t *testing.T, contents []string, want ...string) {
	t.Helper()
	if len(contents) != len(want) || len(want) > 0 && contents[0] != want[0] {
		t.Errorf("got %q, want %q", contents, want)
	}
}

func TestChangeArrivesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"), pair("/latest/b", "1"))
		w := watch(t, f, backend.Config{}, "/latest/a")
		contents, beats := w.within(30 * time.Second)
		only(t, contents)
		if beats < 2 {
			t.Errorf("%d batches in 30 s without a change", beats)
		}
		f.asked("")
		f.apply([]kv.Pair{pair("/latest/a", "2")}, nil)
		contents, _ = w.within(time.Millisecond)
		only(t, contents, "/latest/a=2")
		if n := f.asked("/latest/a"); n != 1 {
			t.Errorf("fetched %d times for one change", n)
		}
		f.apply([]kv.Pair{pair("/latest/b", "2")}, nil) // not asked for
		contents, _ = w.within(time.Second)
		only(t, contents)
		w.stop()
	})
}

// The version comes back to what it was while the data differ, or the data
// change without a new version: noticed within about a minute.
func TestForcedLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"))
		w := watch(t, f, backend.Config{}, "/latest")
		f.quietly(pair("/latest/a", "2"))
		contents, _ := w.within(90 * time.Second)
		only(t, contents, "/latest/a=2")
		f.asked("")
		w.within(5 * time.Minute)
		if n := f.asked("/latest"); n > 100 {
			t.Errorf("%d requests in five minutes without a change", n)
		}
		w.stop()
	})
}

// A cursor from before this start, as the cache file has it, is of unknown age:
// everything is read at once, whatever the version says, and what is the same
// is said to be the same.
func TestCursorFromBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"))
		l, err := bubbled(t, f, backend.Config{}).List(t.Context(), []string{"/latest/a"})
		if err != nil {
			t.Fatal(err)
		}
		resumed := func() *watching {
			w := &watching{t: t, m: bubbled(t, f, backend.Config{}), held: l.Cursor}
			w.begin("/latest/a")
			return w
		}
		contents, beats := resumed().within(time.Second)
		only(t, contents)
		if beats != 1 {
			t.Errorf("%d batches in the first second", beats)
		}
		f.quietly(pair("/latest/a", "2"))
		contents, _ = resumed().within(time.Second)
		only(t, contents, "/latest/a=2")
	})
}

// After an outage the version says nothing, either: the server may have begun
// anew with other data, or be another one.
func TestServerThatBeganAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"))
		w := watch(t, f, backend.Config{}, "/latest/a")
		contents, _ := w.within(time.Second)
		only(t, contents)
		f.answer(failing)
		if err := <-w.ended; err == nil {
			t.Fatal("Watch ended without an error")
		}
		f.quietly(pair("/latest/a", "2"))
		f.answer(nil)
		w.begin("/latest/a")
		contents, _ = w.within(time.Second)
		only(t, contents, "/latest/a=2")
		w.stop()
	})
}

// Servers that answer at once, and servers without a version, are not hammered.
func TestServersThatDoNotWait(t *testing.T) {
	for name, f := range map[string]*fake{"deaf": {deaf: true}, "no version": {versioned: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFake(pair("/self/a", "1"))
				server.deaf, server.versioned = f.deaf, f.versioned
				if f.versioned { // then /self/version is a 404
					server.broken = func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/self/version" {
							notFound(w, r)
							return
						}
						server.serveTree(w, r.URL.Path)
					}
				}
				w := watch(t, server, backend.Config{}, "/self/a")
				server.asked("")
				w.within(time.Minute)
				if n := server.asked(""); n > 60 {
					t.Errorf("%d requests in a minute", n)
				}
				server.apply([]kv.Pair{pair("/self/a", "2")}, nil)
				contents, _ := w.within(6 * time.Second)
				only(t, contents, "/self/a=2")
				w.stop()
			})
		})
	}
}

func TestServerThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"))
		var stuck atomic.Bool
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if stuck.Load() {
				<-r.Context().Done()
				return
			}
			f.ServeHTTP(w, r)
		})
		w := watch(t, h, backend.Config{}, "/latest")
		stuck.Store(true)
		start := time.Now()
		for {
			select {
			case <-w.out:
				continue
			case err := <-w.ended:
				if !timedOut(err) {
					t.Errorf("Watch ended with %v", err)
				}
				if took := time.Since(start); took > maxWait+pollTime {
					t.Errorf("Watch ended after %v", took)
				}
			}
			break
		}
		start = time.Now()
		if _, err := w.m.List(t.Context(), []string{"/latest"}); !timedOut(err) || time.Since(start) > versionTimeout {
			t.Errorf("List: %v after %v", err, time.Since(start))
		}
	})
}

// An answer that drips has the whole request's time and no more.
func TestServerThatDrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bubbled(t, newFake(pair("/latest/a", "1")), backend.Config{Timeout: 20 * time.Second})
		m.http.Transport = dripping{m.http.Transport}
		start := time.Now()
		l, err := m.List(t.Context(), []string{"/latest"})
		if took := time.Since(start); !timedOut(err) || took != 20*time.Second {
			t.Errorf("List: %v, %v after %v", l.Pairs, err, took)
		}
	})
}

// dripping gives everything but the version a byte a second.
type dripping struct{ http.RoundTripper }

func (d dripping) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := d.RoundTripper.RoundTrip(r)
	if err == nil && !strings.HasSuffix(r.URL.Path, "/version") {
		a.Body = drops{r.Context(), a.Body}
		a.ContentLength = -1
	}
	return a, err
}

type drops struct {
	ctx context.Context
	io.ReadCloser
}

func (d drops) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' ' // white space before a document is part of it, for ever
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

// Each version that is asked for is waited on; whichever changes is noticed.
func TestSeveralVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/2015-07-25/a", "1"), pair("/latest/a", "1"))
		w := watch(t, f, backend.Config{}, "/2015-07-25", "/latest")
		w.within(time.Second)
		f.apply([]kv.Pair{pair("/2015-07-25/a", "2")}, nil)
		contents, _ := w.within(time.Second)
		only(t, contents, "/2015-07-25/a=2 /latest/a=1")
		w.stop()
	})
}

func TestOnlyWhatChangedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"), pair("/latest/b", "1"), pair("/latest/c", "1"))
		w := watch(t, f, backend.Config{}, "/latest")
		f.apply([]kv.Pair{pair("/latest/a", "2")}, []string{"/latest/c"})
		b := <-w.out
		if b.Full || words(b.Puts) != "/latest/a=2" || !slices.Equal(b.Deletes, []string{"/latest/c"}) {
			t.Errorf("told %+v", b)
		}
		w.stop()
	})
}

// What changed since another reader looked is not what changed for a watcher.
func TestAnotherReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"), pair("/latest/b", "1"))
		w := watch(t, f, backend.Config{}, "/latest")
		w.stop()
		<-w.ended
		f.apply([]kv.Pair{pair("/latest/a", "2")}, nil)
		if _, err := w.m.List(t.Context(), []string{"/latest"}); err != nil {
			t.Fatal(err)
		}
		f.apply([]kv.Pair{pair("/latest/b", "2")}, nil)
		w.begin("/latest")
		contents, _ := w.within(time.Second)
		only(t, contents, "/latest/a=2 /latest/b=2")
		w.stop()
	})
}

func TestCursorOfOtherPrefixes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(pair("/latest/a", "1"), pair("/2015-07-25/a", "1"))
		w := watch(t, f, backend.Config{}, "/latest", "/2015-07-25")
		w.stop()
		<-w.ended
		w.begin("/latest")
		contents, _ := w.within(time.Second)
		only(t, contents, "/latest/a=1")
		w.stop()
	})
}

func timedOut(err error) bool {
	_, ok := errors.AsType[timeout](err)
	return ok
}
