package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/problem"
)

// Each test here fails when the rule that it is named after is taken out.

var errTooLarge = status.Error(codes.ResourceExhausted, "grpc: received message larger than max (70000000 vs. 67108864)")

func put(key string, mod int64) *mvccpb.Event {
	return &mvccpb.Event{Kv: &mvccpb.KeyValue{Key: []byte(key), Value: []byte("evil"), ModRevision: mod, CreateRevision: mod, Version: 1}}
}

// Answers that etcd promises never to give end the watch, and nothing of them
// is handed on.
func TestBrokenPromises(t *testing.T) {
	header := func(rev int64) *etcdserverpb.ResponseHeader {
		return &etcdserverpb.ResponseHeader{ClusterId: 0xc1, MemberId: 0x11, Revision: rev}
	}
	type answers = []*etcdserverpb.WatchResponse
	for name, say := range map[string]answers{
		"a key outside the span":      {{WatchId: 1, Events: []*mvccpb.Event{put("/other", 9)}}},
		"a revision that was sent":    {{WatchId: 1, Events: []*mvccpb.Event{put("/app/a", 2)}}},
		"revisions that fall":         {{WatchId: 1, Events: []*mvccpb.Event{put("/app/a", 9), put("/app/b", 8)}}},
		"the same revision twice":     {{WatchId: 1, Fragment: true, Events: []*mvccpb.Event{put("/zzz", 9)}}, {WatchId: 1, Events: []*mvccpb.Event{put("/app/b", 9)}}, {WatchId: 1, Events: []*mvccpb.Event{put("/app/b", 9)}}},
		"progress that falls":         {{WatchId: 1, Header: header(9)}, {WatchId: 1, Header: header(3)}},
		"everyone's progress falls":   {{WatchId: 1, Header: header(9)}, {WatchId: -1, Header: header(3)}},
		"an event before progress":    {{WatchId: 1, Header: header(9)}, {WatchId: 1, Events: []*mvccpb.Event{put("/app/a", 8)}}},
		"progress between fragments":  {{WatchId: 1, Fragment: true, Events: []*mvccpb.Event{put("/app/a", 9)}}, {WatchId: -1, Header: header(9)}},
		"a watcher nobody asked for":  {{WatchId: 7, Events: []*mvccpb.Event{put("/app/a", 9)}}},
		"no watcher at all":           {{WatchId: 0, Events: []*mvccpb.Event{put("/app/a", 9)}}},
		"a confirmation out of place": {{WatchId: 2, Created: true}},
		"another cluster":             {{WatchId: 1, Header: &etcdserverpb.ResponseHeader{ClusterId: 0xbad, Revision: 9}, Events: []*mvccpb.Event{put("/app/a", 9)}}},
	} {
		t.Run(name, func(t *testing.T) {
			watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
				for _, r := range say {
					f.say(r)
				}
				w.loses(time.Second)
			})
		})
	}
}

// A watcher must be confirmed under its own name before anything counts.
func TestConfirmation(t *testing.T) {
	for name, first := range map[string]*etcdserverpb.WatchResponse{
		"without a name":   {Created: true},
		"under another's":  {Created: true, WatchId: 2},
		"under no name":    {Created: true, WatchId: 5},
		"events before it": {WatchId: 1, Events: []*mvccpb.Event{put("/app/a", 9)}},
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				l := list(t, b, "/app", "/web")
				f.set(func(f *fake) { f.first = first })
				follow(t, b, l.Cursor, "/app", "/web").loses(time.Second)
			})
		})
	}
}

// Of one transaction over two prefixes, one half arrives long before the other.
func TestFrontier(t *testing.T) {
	watching(t, backend.Config{}, []string{"/app", "/web"}, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) { f.deaf = true })
		rev := f.commit("/app/n", "1", "/web/n", "1")
		step := get(f, func(f *fake) []*mvccpb.Event { f.deaf, f.mute = false, true; return f.history[rev] })
		f.say(&etcdserverpb.WatchResponse{WatchId: 1, Events: step[:1]})
		if got := w.next(time.Second); got != "nothing" {
			t.Fatalf("half a transaction was handed on: %q", got)
		}
		f.say(&etcdserverpb.WatchResponse{WatchId: 2, Events: step[1:]})
		w.want("/app/n=1 /web/n=1")
	})
}

// Without another watcher's news, its progress is what releases an event.
func TestProgress(t *testing.T) {
	watching(t, backend.Config{}, []string{"/app", "/web"}, func(t *testing.T, f *fake, b *Backend, w *following) {
		for i := range 20 {
			before := get(f, func(f *fake) int { return f.progresses })
			f.commit("/app/a", fmt.Sprint(i))
			w.want(fmt.Sprint("/app/a=", i))
			if n := get(f, func(f *fake) int { return f.progresses }) - before; n != 1 {
				t.Fatalf("%d progress requests for one batch, want 1", n)
			}
		}
		f.set(func(f *fake) { f.mute = true })
		f.commit("/app/a", "late")
		if got := w.next(time.Second); got != "nothing" {
			t.Fatalf("%q was handed on before the other watcher was known to be as far", got)
		}
		f.set(func(f *fake) { f.mute = false })
		w.want("/app/a=late") // the question is repeated
	})
}

// Prefixes with hardly anything between them are watched together: a change in
// both is complete when it comes, and nobody is asked.
func TestPrefixesTogether(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.commit("/between", "1")
		w := follow(t, b, list(t, b, "/app", "/web").Cursor, "/app", "/web")
		w.fresh(time.Second)
		asked := get(f, func(f *fake) int { return f.progresses })
		f.commit("/app/n", "1", "/between", "2", "/web/n", "1")
		f.commit("/between", "3")
		f.commit("/web/n", "2")
		w.want("/app/n=1 /web/n=1", "/web/n=2")
		if n := get(f, func(f *fake) int { return f.progresses }) - asked; n != 0 {
			t.Errorf("%d requests for progress", n)
		}
		if got := f.spans(); !slices.Equal(got, []string{"/app"}) {
			t.Errorf("watched from %q", got)
		}
	})
}

// Many prefixes with hardly anything between them are listed together, and say
// the same as each by itself.
func TestListTogether(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		var prefixes, want []string
		for i := range 3 * partsAtOnce {
			prefix := fmt.Sprintf("/many/%02d", i)
			prefixes = append(prefixes, prefix)
			f.commit(prefix, "self", prefix+"/a", "1", prefix+"-old", "unwanted")
			want = append(want, prefix+"/a=1", prefix+"=self")
		}
		listed := func() (string, int) {
			before := get(f, func(f *fake) int { return f.ranges })
			pairs := strings.Fields(words(backend.Batch{Puts: list(t, b, prefixes...).Pairs}))
			slices.Sort(pairs)
			return strings.Join(pairs, " "), get(f, func(f *fake) int { return f.ranges }) - before
		}
		apart, many := listed() // for each prefix there is one key that nobody asked for
		f.commit("/many/00-old", "-", "/many/01-old", "-", "/many/02-old", "-", "/many/03-old", "-", "/many/04-old", "-")
		together, few := listed()
		if apart != strings.Join(want, " ") || together != apart {
			t.Errorf("listed %s, together %s", apart, together)
		}
		if many < len(prefixes) || few > 5 {
			t.Errorf("%d requests for each prefix, %d for all", many, few)
		}
	})
}

// Where others change what lies between, each prefix is watched by itself from
// then on, and nothing is lost by that.
func TestManyChangesBetween(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		w := follow(t, b, list(t, b, "/app", "/web").Cursor, "/app", "/web")
		w.fresh(time.Second)
		for i := range 2 * manyBetween {
			f.commit("/between", fmt.Sprint(i))
			if i%100 == 0 {
				f.commit("/app/n", fmt.Sprint(i), "/web/n", fmt.Sprint(i))
				w.want(fmt.Sprintf("/app/n=%d /web/n=%d", i, i))
			}
		}
		if got := f.spans(); !slices.Equal(got, []string{"/app", "/web"}) {
			t.Errorf("watched from %q", got)
		}
		w.stop()
		<-w.ended
		w = follow(t, b, w.cursor, "/app", "/web")
		w.fresh(time.Second)
		if got := f.spans(); !slices.Equal(got, []string{"/app", "/web"}) {
			t.Errorf("later watched from %q", got)
		}
	})
}

// A user who may read the prefixes alone watches each.
func TestDeniedBetween(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.set(func(f *fake) {
			f.refuse = func(start, end string) bool { return strings.HasPrefix(start, "/app") && end > "/app0" }
		})
		w := follow(t, b, list(t, b, "/app", "/web").Cursor, "/app", "/web")
		w.fresh(time.Second)
		f.commit("/app/n", "1", "/web/n", "1")
		w.want("/app/n=1 /web/n=1")
		if got := f.spans(); !slices.Equal(got, []string{"/app", "/web"}) {
			t.Errorf("watched from %q", got)
		}
	})
}

// Nothing is read because of an event, and one prefix needs no question.
func TestEventsCostNothing(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		ranges := get(f, func(f *fake) int { return f.ranges })
		for i := range 50 {
			f.commit("/app/a", fmt.Sprint(i))
			w.want(fmt.Sprint("/app/a=", i))
		}
		f.commit("/app-old/x", "1") // within the watched span, not below the prefix
		if got := w.next(time.Second); got != "nothing" {
			t.Fatalf("a key beside the prefix brought %q", got)
		}
		if n := get(f, func(f *fake) int { return f.ranges }) - ranges; n > 0 {
			t.Errorf("%d reads after events, want none", n)
		}
		if n := get(f, func(f *fake) int { return f.progresses }); n > 0 {
			t.Errorf("%d progress requests, want none", n)
		}
	})
}

// Whole revisions within fragments are handed on, a part of one never is.
func TestFragments(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.say(&etcdserverpb.WatchResponse{WatchId: 1, Fragment: true, Events: []*mvccpb.Event{put("/app/b", 3), put("/app/c", 4)}})
		w.want("/app/b=evil")
		if got := w.next(time.Second); got != "nothing" {
			t.Fatalf("a part of a revision was handed on: %q", got)
		}
		if c, err := parseCursor(w.cursor); err != nil || c.rev != 3 {
			t.Fatalf("between fragments the cursor is %+v, %v, want revision 3", c, err)
		}
		f.say(&etcdserverpb.WatchResponse{WatchId: 1, Events: []*mvccpb.Event{put("/app/d", 4)}})
		w.want("/app/c=evil /app/d=evil")
	})
}

// A restored store is silent on a watch that waits for a future revision: only
// the probe sees it.
func TestProbeSeesRollback(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.commit("/app/a", "2")
		w.want("/app/a=2")
		for range 10 { // the pulse is slow by now
			w.fresh(2 * slowPulse)
		}
		f.restore(2)
		w.loses(2 * slowPulse)
	})
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) { f.cluster = 0xbad }) // and the stream says nothing
		w.loses(2 * slowPulse)
	})
}

// A backlog that comes before the first probe waits with the server.
func TestBacklogBeforeProof(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		from := list(t, b, "/app").Cursor
		f.set(func(f *fake) {
			f.onRange = func(context.Context, *etcdserverpb.RangeRequest) error { time.Sleep(time.Second); return nil }
		})
		w := follow(t, b, from, "/app")
		synctest.Wait()
		value := strings.Repeat("x", 1<<20)
		const steps = maxPending>>20 + 4
		for range steps {
			f.commit("/app/a", value)
		}
		for range steps {
			w.want("/app/a=" + value)
		}
	})
}

// The new history has overtaken the old one: revisions alone look well.
func TestMarkSeesRewrittenHistory(t *testing.T) {
	for name, c := range map[string]struct {
		rewrite func(f *fake)
		lost    bool
	}{
		"another value":  {func(f *fake) { f.commit("/app/a", "other"); f.commit("/x", "1"); f.commit("/x", "2") }, true},
		"another key":    {func(f *fake) { f.commit("/app/z", "2"); f.commit("/x", "1"); f.commit("/x", "2") }, true},
		"no key":         {func(f *fake) { f.commit("/x", "0"); f.commit("/x", "1"); f.commit("/x", "2") }, true},
		"changed since":  {func(f *fake) { f.commit("/app/a", "other"); f.commit("/app/a", "3"); f.commit("/x", "2") }, true},
		"the same again": {func(f *fake) { f.commit("/app/a", "2"); f.commit("/x", "1"); f.commit("/x", "2") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				f.commit("/app/a", "2")
				from := list(t, b, "/app").Cursor
				f.restore(2)
				c.rewrite(f)
				w := follow(t, b, from, "/app")
				if c.lost {
					w.loses(time.Second)
				} else {
					w.fresh(time.Second)
				}
			})
		})
	}
}

// Nothing is handed on before the store's history is proved.
func TestNothingBeforeProof(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.commit("/app/a", "2")
		from := list(t, b, "/app").Cursor
		f.restore(2)
		f.commit("/app/a", "other")
		f.commit("/app/b", "of the new history")
		f.set(func(f *fake) {
			f.onRange = func(context.Context, *etcdserverpb.RangeRequest) error {
				time.Sleep(time.Second) // the event is much faster
				return nil
			}
		})
		follow(t, b, from, "/app").loses(10 * time.Second)
	})
}

// What the cursor marks may be compacted: that proves nothing either way.
func TestCompactedMark(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		from := list(t, b, "/app").Cursor
		w := follow(t, b, from, "/app")
		w.fresh(time.Second)
		f.commit("/app/a", "2")
		w.want("/app/a=2")
		f.commit("/app/a", "-")
		w.want("-/app/a")
		f.commit("/app/b", "-") // some revision
		w.next(time.Second)
		f.set(func(f *fake) { f.compacted = f.rev() })
		for range 5 {
			w.fresh(2 * slowPulse)
		}
	})
}

func TestCompactedHistory(t *testing.T) {
	for _, missed := range []int{1, 5} {
		onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
			from := list(t, b, "/app").Cursor
			for range missed {
				f.commit("/app/a", "-")
			}
			f.set(func(f *fake) { f.compacted = f.rev() })
			follow(t, b, from, "/app").loses(time.Second)
		})
	}
}

// An event that the server never told of is found by the hourly survey.
func TestSurveySeesLostEvents(t *testing.T) {
	for name, write := range map[string][]string{
		"a change": {"/app/a", "2"}, "a new key": {"/app/b", "1"}, "a delete": {"/app/a", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
				f.set(func(f *fake) { f.lose = func(*mvccpb.Event) bool { return true } })
				f.commit(write...)
				f.set(func(f *fake) { f.lose = nil })
				began := time.Now()
				if err := w.end(2 * time.Hour); !errors.Is(err, backend.ErrCursorLost) || !errors.Is(err, backend.ErrDiffers) {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took > 73*time.Minute {
					t.Errorf("that took %v", took)
				}
			})
		})
	}
}

// Counting is cheap for any number of keys; what is newer than all that was
// seen is looked for where that is a page at most.
func TestSurveyIsCheap(t *testing.T) {
	for keys, reads := range map[int]int{firstPage: firstPage, firstPage + 1: 0} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				var all []string
				for i := range keys {
					all = append(all, fmt.Sprintf("/app/%05d", i), "1")
				}
				f.commit("/app/a", "-")
				rev := f.commit(all...)
				at, err := parseCursor(list(t, b, "/app").Cursor)
				if err != nil {
					t.Fatal(err)
				}
				f.set(func(f *fake) { f.read = 0 })
				count, other, err := b.survey(t.Context(), b.scope([]string{"/app"}), at, rev, b.scope([]string{"/app"}).small(at))
				if count != int64(keys) || other != "" || err != nil {
					t.Errorf("counted %d of %d, %q, %v", count, keys, other, err)
				}
				if n := get(f, func(f *fake) int { return f.read }); n != reads {
					t.Errorf("%d keys were read", n)
				}
			})
		})
	}
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		for i := range 2 * firstPage {
			f.commit(fmt.Sprintf("/app/%05d", i), "1")
			w.want(fmt.Sprintf("/app/%05d=1", i))
		}
		f.set(func(f *fake) { f.read = 0 })
		for range 4 * 60 {
			w.fresh(2 * slowPulse)
		}
		if n := get(f, func(f *fake) int { return f.read }); n > 4*2*60*2 {
			t.Errorf("%d keys were read in two to four hours", n)
		}
		f.set(func(f *fake) { f.lose = func(*mvccpb.Event) bool { return true } })
		f.commit("/app/new", "1")
		w.loses(2 * time.Hour)
	})
}

// Many prefixes are counted with a few requests, whatever the server
// and the user's role allow. Values are never read in a transaction: when one
// was cancelled, servers before 3.5.7 and 3.4.23 ended (etcd issues 14110, 14891).
func TestSurveyOfManyPrefixes(t *testing.T) {
	for name, c := range map[string]struct {
		wrong    func(f *fake)
		newest   bool
		requests int
		count    int64
	}{
		"honest":              {func(*fake) {}, false, 6, 600},
		"short transactions":  {func(f *fake) { f.mostOps = 4 }, false, 606, 600},
		"only what is below":  {func(f *fake) { f.refuse = func(_, end string) bool { return end == "" } }, false, 306, 300},
		"one key is not ours": {func(f *fake) { f.refuse = func(start, end string) bool { return start == "/k/0050" && end == "" } }, false, 6 + 128, 599},
		"newest":              {func(*fake) {}, true, 600, 600},
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				var prefixes, all []string
				for i := range 300 {
					prefixes = append(prefixes, fmt.Sprintf("/k/%04d", i))
					all = append(all, fmt.Sprintf("/k/%04d", i), "1", fmt.Sprintf("/k/%04d/x", i), "1")
				}
				rev := f.commit(all...)
				f.set(func(f *fake) { c.wrong(f); f.ranges = 0 })
				count, other, err := b.survey(t.Context(), b.scope(prefixes), cursor{cluster: f.cluster, rev: rev, mark: mark{mod: rev}}, rev, c.newest)
				if count != c.count || other != "" || err != nil {
					t.Errorf("counted %d, %q, %v", count, other, err)
				}
				if n := get(f, func(f *fake) int { return f.ranges }); n > c.requests || f.risky > 0 {
					t.Errorf("%d requests, want at most %d; %d of them risky", n, c.requests, f.risky)
				}
			})
		})
	}
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) { // hourly such a scope is only counted
		prefixes := []string{"/app"}
		for i := range partsAtOnce {
			prefixes = append(prefixes, fmt.Sprint("/", i))
		}
		if at := (cursor{count: 1}); b.scope(prefixes).small(at) || !b.scope(prefixes[1:]).small(at) {
			t.Error("many prefixes are small, or few are not")
		}
	})
}

// Streams that never last until a survey is due do not put it off.
func TestSurveyOfShortStreams(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) { f.lose = func(*mvccpb.Event) bool { return true } })
		f.commit("/app/b", "1")
		w.fresh(time.Minute)
		began := time.Now()
		for err := error(nil); !errors.Is(err, backend.ErrDiffers); w = follow(t, b, w.cursor, "/app") {
			if err = w.lasts(20 * time.Minute); time.Since(began) > 2*time.Hour {
				t.Fatal("no survey in two hours")
			}
		}
	})
}

// An honest store passes every survey, and one day's probing is no load.
func TestQuietDay(t *testing.T) {
	watching(t, backend.Config{}, []string{"/app", "/web"}, func(t *testing.T, f *fake, b *Backend, w *following) {
		before := get(f, func(f *fake) int { return f.ranges })
		signs, day := 0, time.After(24*time.Hour)
		for over := false; !over; {
			select {
			case <-day:
				over = true
			case <-w.batches:
				signs++
			case err := <-w.ended:
				t.Fatalf("Watch ended: %v", err)
			}
		}
		reads := get(f, func(f *fake) int { return f.ranges }) - before
		if signs < 24*60 || signs > 24*121 {
			t.Errorf("%d signs of life in a day", signs)
		}
		if limit := signs + 30*2*4; reads > limit {
			t.Errorf("%d reads in a day for %d probes, want at most %d", reads, signs, limit)
		}
		if n := get(f, func(f *fake) int { return f.opened }); n != 1 {
			t.Errorf("%d streams", n)
		}
	})
}

// A store that no longer answers reads ends the watch, though the stream lives.
func TestSilentStore(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) {
			f.onRange = func(ctx context.Context, _ *etcdserverpb.RangeRequest) error { <-ctx.Done(); return ctx.Err() }
		})
		began := time.Now()
		err := w.end(time.Minute)
		if took := time.Since(began); took > quickPulse+15*time.Second {
			t.Errorf("that took %v", took)
		}
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.StoreDown {
			t.Errorf("error %v", err)
		}
	})
}

// A stream that brings nothing while the store goes on is given up.
func TestStuckStream(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) { f.deaf = true })
		f.commit("/app/a", "2")
		began := time.Now()
		err := w.end(time.Minute)
		if errors.Is(err, backend.ErrCursorLost) || !strings.Contains(err.Error(), "stuck") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > quickPulse+20*time.Second {
			t.Errorf("that took %v", took)
		}
		f.set(func(f *fake) { f.deaf = false })
		follow(t, b, w.cursor, "/app").want("/app/a=2")
	})
}

// A stream that is far behind and comes on is not stuck.
func TestSlowBacklog(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) { f.deaf, f.mute = true, true })
		const steps = 30
		for i := range steps {
			f.commit("/app/a", fmt.Sprint(i))
		}
		f.set(func(f *fake) { f.deaf = false })
		for i := range steps {
			time.Sleep(3 * time.Second)
			f.say(&etcdserverpb.WatchResponse{WatchId: 1, Events: get(f, func(f *fake) []*mvccpb.Event { return f.history[i+3] })})
			w.want(fmt.Sprint("/app/a=", i))
		}
	})
}

// A slow receiver is not a stuck stream.
func TestSlowReceiver(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		for i := range 5 {
			f.commit("/app/a", fmt.Sprint(i))
		}
		for i := range 5 {
			time.Sleep(time.Minute)
			w.want(fmt.Sprint("/app/a=", i))
		}
		w.fresh(time.Minute)
	})
}

// A proxy that drops progress requests: surveys stand in.
func TestMuteServer(t *testing.T) {
	for _, prefixes := range [][]string{{"/app"}, {"/app", "/web"}} {
		t.Run(strings.Join(prefixes, " "), func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				f.crowd()
				f.set(func(f *fake) { f.mute = true })
				w := follow(t, b, list(t, b, prefixes...).Cursor, prefixes...)
				w.fresh(time.Second)
				f.commit("/elsewhere", "1")
				w.fresh(30 * time.Second)
				f.commit("/app/a", "2")
				w.want("/app/a=2")
				for range 100 {
					w.fresh(2 * slowPulse)
				}
				w.stop()
				<-w.ended
				w = follow(t, b, w.cursor, prefixes...)
				f.commit("/app/a", "3")
				if got := w.next(time.Second); got != "/app/a=3" {
					t.Fatalf("one span over all prefixes brought %q", got)
				}
			})
		})
	}
}

// Of a transaction over two spans one half comes much later: where surveys stand
// in for progress, nothing is told before.
func TestHalfOfATransaction(t *testing.T) {
	for name, wrong := range map[string]func(f *fake){
		"proxy": func(f *fake) { f.mute = true },
		"old server": func(f *fake) {
			f.version, f.refuse = "3.4.23", func(start, end string) bool { return start == "/app" && end == "/web0" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				f.crowd()
				f.commit("/web/a", "1", "/web/b", "1")
				f.set(wrong)
				w := follow(t, b, list(t, b, "/app", "/web").Cursor, "/app", "/web")
				w.fresh(time.Second)
				web := get(f, func(f *fake) (id int64) {
					for _, one := range f.streams[0].watchers {
						if one.start == "/web" || one.start == "/web/" {
							id = one.id
						}
					}
					return id
				})
				for _, second := range [][]string{{"/web/a", "2"}, {"/web/b", "-", "/web/c", "1"}} {
					f.set(func(f *fake) {
						f.lose = func(e *mvccpb.Event) bool { return strings.HasPrefix(string(e.Kv.Key), "/web") }
					})
					first := f.commit(append([]string{"/app/a", "2"}, second...)...)
					f.commit("/app/a", "3")
					if got := w.next(3 * time.Second); got != "nothing" {
						t.Fatalf("half of a transaction brought %q", got)
					}
					f.set(func(f *fake) { f.lose = nil })
					f.say(&etcdserverpb.WatchResponse{WatchId: web, Events: get(f, func(f *fake) []*mvccpb.Event { return f.history[first][1:] })})
					whole := "/app/a=2 /web/a=2"
					if len(second) > 2 {
						whole = "-/web/b /app/a=2 /web/c=1"
					}
					w.want(whole)
					if got := w.next(2 * time.Minute); got != "/app/a=3" {
						t.Fatalf("then %q", got)
					}
				}
			})
		})
	}
}

// Servers whose progress runs ahead of their events are never asked, also when
// one span over all prefixes is denied.
func TestOldServer(t *testing.T) {
	for name, refuse := range map[string]func(string, string) bool{
		"one span":        nil,
		"a span for each": func(start, end string) bool { return start == "/app" && end == "/web0" },
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				f.set(func(f *fake) { f.version, f.refuse = "3.4.23", refuse })
				w := follow(t, b, list(t, b, "/app", "/web").Cursor, "/app", "/web")
				w.fresh(time.Second)
				for i := range 5 {
					f.commit("/app/a", fmt.Sprint(i), "/web/a", fmt.Sprint(i))
					f.commit("/elsewhere", "1")
					w.want(fmt.Sprintf("/app/a=%d /web/a=%d", i, i))
				}
				f.commit("/app/a", "x")
				w.want("/app/a=x")
				for range 10 {
					w.fresh(2 * slowPulse)
				}
				if n := get(f, func(f *fake) int { return f.progresses }); n > 0 {
					t.Errorf("%d progress requests", n)
				}
			})
		})
	}
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.set(func(f *fake) { f.version = "3.3.27" })
		err := follow(t, b, list(t, b, "/app").Cursor, "/app").end(time.Second)
		if err == nil || !strings.Contains(err.Error(), "version 3.3.27") {
			t.Errorf("error %v", err)
		}
	})
}

// A stream that another member answers, or a clock that jumps, is probed at
// once.
func TestSuspicion(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		for range 10 {
			w.fresh(2 * slowPulse)
		}
		f.set(func(f *fake) { f.member = 0x22 })
		f.commit("/app/a", "2")
		w.want("/app/a=2")
		w.fresh(time.Second)
		w.fresh(2 * quickPulse)
	})
	if clockJumped(5*time.Second, 5*time.Second+time.Millisecond) || !clockJumped(time.Hour, 5*time.Second) || !clockJumped(-time.Hour, 5*time.Second) {
		t.Error("clockJumped is wrong")
	}
}

// The member has lost the others: etcd ends streams that require a leader.
func TestRequireLeader(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		if !get(f, func(f *fake) bool { return f.leader }) {
			t.Error("the stream does not require a leader")
		}
		f.breakStreams()
		if err := w.end(time.Second); err == nil || !strings.Contains(err.Error(), "no leader") {
			t.Errorf("error %v", err)
		}
	})
}

// A role that grants less than what is watched at first.
func TestNarrowGrants(t *testing.T) {
	only := func(granted ...span) func(string, string) bool {
		return func(start, end string) bool {
			return !slices.Contains(granted, span{start, end}) && end != "" || end == "" && !slices.ContainsFunc(granted, func(g span) bool { return g.holds(start) })
		}
	}
	for name, c := range map[string]struct {
		refuse func(string, string) bool
		self   bool
	}{
		"below only":   {only(below("/app")), false},
		"key and tree": {only(exactly("/app"), below("/app")), true},
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
				f.commit("/app", "self")
				f.set(func(f *fake) { f.refuse = c.refuse })
				l := list(t, b, "/app")
				if len(l.Pairs) == 2 != c.self {
					t.Fatalf("listed %v", l.Pairs)
				}
				w := follow(t, b, l.Cursor, "/app")
				w.fresh(time.Second)
				f.commit("/app", "other", "/app/a", "2")
				if c.self {
					w.want("/app/a=2 /app=other")
				} else {
					w.want("/app/a=2")
				}
			})
		})
	}
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		l := list(t, b, "/app")
		f.set(func(f *fake) { f.refuse = only(exactly("/app")) })
		_, err := b.List(t.Context(), []string{"/app"})
		for _, err := range []error{err, follow(t, b, l.Cursor, "/app").end(time.Second)} {
			if err == nil || !strings.Contains(err.Error(), "denies reading") {
				t.Errorf("error %v", err)
			}
		}
	})
}

// A right that is taken away does not end a stream: the next probe does.
func TestRevoked(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		f.set(func(f *fake) { f.refuse = func(string, string) bool { return true } })
		if err := w.end(quickPulse + time.Second); err == nil || !strings.Contains(err.Error(), "denies reading") {
			t.Errorf("error %v", err)
		}
	})
}

// Tokens expire: requests and new streams get new ones.
func TestTokens(t *testing.T) {
	onFake(t, backend.Config{Username: "u", Password: "right"}, func(t *testing.T, f *fake, b *Backend) {
		f.set(func(f *fake) { f.token = "one" })
		from := list(t, b, "/app").Cursor
		f.set(func(f *fake) { f.token = "two" })
		list(t, b, "/app")
		w := follow(t, b, from, "/app")
		w.fresh(time.Second)
		f.set(func(f *fake) { f.token = "three" })
		w.fresh(2 * slowPulse) // the probe logs in again
		f.set(func(f *fake) { f.token = "four" })
		f.breakStreams()
		w.end(time.Second)
		w = follow(t, b, from, "/app")
		w.fresh(time.Second)
		if n := get(f, func(f *fake) int { return f.logins }); n < 4 || n > 5 { // one that the end of a stream cut off counts, too
			t.Errorf("logged in %d times, want 4", n)
		}
	})
	onFake(t, backend.Config{Username: "u", Password: "hunter2"}, func(t *testing.T, f *fake, b *Backend) {
		f.set(func(f *fake) { f.token = "one" })
		_, err := b.List(t.Context(), []string{"/app"})
		if err == nil || !strings.Contains(err.Error(), "user name or password") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	})
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.set(func(f *fake) { f.token = "one" })
		_, err := b.List(t.Context(), []string{"/app"})
		if err == nil || !strings.Contains(err.Error(), "wants a user name") {
			t.Errorf("error %v", err)
		}
	})
}

// A list is one revision, however many pages, also when the first revision is
// compacted meanwhile.
func TestListIsOneRevision(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		var all []string
		for i := range 3 * firstPage {
			all = append(all, fmt.Sprintf("/app/%04d", i), "1")
		}
		f.commit(all...)
		pages, compactions := 0, 0
		f.set(func(f *fake) {
			f.onRange = func(_ context.Context, q *etcdserverpb.RangeRequest) error {
				if pages++; q.Revision != 0 && string(q.Key) > "/app/0" && compactions < 2 {
					compactions++
					next := slices.Clone(all)
					for i := 1; i < len(next); i += 2 {
						next[i] = fmt.Sprint(1 + compactions)
					}
					rev := f.commit(next...)
					f.set(func(f *fake) { f.compacted = rev })
				}
				return nil
			}
		})
		l := list(t, b, "/app")
		if len(l.Pairs) != 3*firstPage+1 {
			t.Fatalf("%d pairs", len(l.Pairs))
		}
		for _, p := range l.Pairs[:3*firstPage] {
			if p.Value != "3" {
				t.Fatalf("%s=%s: pages of different revisions", p.Key, p.Value)
			}
		}
		if pages < 6 {
			t.Errorf("%d pages", pages)
		}
	})
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		f.set(func(f *fake) {
			f.onRange = func(_ context.Context, q *etcdserverpb.RangeRequest) error {
				if q.Revision != 0 {
					return rpctypes.ErrGRPCCompacted
				}
				return nil
			}
		})
		if l, err := b.List(t.Context(), []string{"/app"}); err == nil {
			t.Errorf("a list that never ends: %v", l)
		}
	})
}

// Pages of large values shrink until they fit.
func TestPagesShrink(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		for i := range 40 {
			f.commit(fmt.Sprintf("/app/%02d", i), strings.Repeat("x", 100))
		}
		f.set(func(f *fake) {
			f.onRange = func(_ context.Context, q *etcdserverpb.RangeRequest) error {
				if q.Limit > 3 && string(q.RangeEnd) != "" {
					return errTooLarge
				}
				return nil
			}
		})
		if l := list(t, b, "/app"); len(l.Pairs) != 41 {
			t.Errorf("%d pairs", len(l.Pairs))
		}
		f.set(func(f *fake) {
			f.onRange = func(context.Context, *etcdserverpb.RangeRequest) error { return errTooLarge }
		})
		if _, err := b.List(t.Context(), []string{"/app"}); err == nil || !strings.Contains(err.Error(), "64 MiB") {
			t.Errorf("error %v", err)
		}
	})
}

// A cursor counts the keys of its own prefixes.
func TestCursorOfOtherPrefixes(t *testing.T) {
	onFake(t, backend.Config{}, func(t *testing.T, f *fake, b *Backend) {
		l := list(t, b, "/web", "/app")
		follow(t, b, l.Cursor, "/app").loses(time.Second)
		follow(t, b, l.Cursor, "/app", "/web").fresh(time.Second)
	})
}

// Close ends what runs.
func TestCloseEndsWatch(t *testing.T) {
	watching(t, backend.Config{}, nil, func(t *testing.T, f *fake, b *Backend, w *following) {
		b.Close()
		if err := w.end(time.Second); !errors.Is(err, backend.ErrClosed) {
			t.Errorf("error %v", err)
		}
		synctest.Wait()
	})
}
