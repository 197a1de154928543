package etcd

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/wconf/wconf/runtime/backend"
)

// fake is an etcd in memory, good enough to list and watch, that breaks its
// promises when a test tells it to. Its revisions count from 1, which is the
// empty store.
type fake struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedWatchServer
	etcdserverpb.UnimplementedMaintenanceServer
	etcdserverpb.UnimplementedAuthServer

	mu        sync.Mutex
	cluster   uint64
	member    uint64
	version   string
	history   [][]*mvccpb.Event // by revision
	compacted int64
	streams   []*fakeStream

	// what is wrong with it
	refuse  func(start, end string) bool                                  // permission denied
	onRange func(ctx context.Context, q *etcdserverpb.RangeRequest) error // before each read, without the lock
	lose    func(*mvccpb.Event) bool                                      // events that no watcher is told of
	mute    bool                                                          // does not answer for progress
	deaf    bool                                                          // streams bring nothing at all
	first   *etcdserverpb.WatchResponse                                   // said instead of the first confirmation
	token   string                                                        // that counts, "" without users

	ranges, progresses, opened, logins int  // ranges: requests to read, a transaction is one
	read                               int  // keys and values that an etcd would have read for them
	mostOps                            int  // of a transaction; 0: 128
	risky                              int  // reads in transactions that have ended servers
	leader                             bool // the last stream asked for one
}

// newFake serves a fake and opens a backend on it; run it in a bubble of
// synctest.
func newFake(t *testing.T, c backend.Config) (*fake, *Backend) {
	t.Helper()
	f := &fake{cluster: 0xc1, member: 0x11, version: "3.6.0", history: make([][]*mvccpb.Event, 2)}
	l := bufconn.Listen(1 << 16)
	s := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second})) // as etcd
	etcdserverpb.RegisterKVServer(s, f)
	etcdserverpb.RegisterWatchServer(s, f)
	etcdserverpb.RegisterMaintenanceServer(s, f)
	etcdserverpb.RegisterAuthServer(s, f)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	b, err := open(c, func(ctx context.Context, _, _ string) (net.Conn, error) { return l.DialContext(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return f, b
}

func (f *fake) rev() int64 { return int64(len(f.history) - 1) }

func (f *fake) header() *etcdserverpb.ResponseHeader {
	return &etcdserverpb.ResponseHeader{ClusterId: f.cluster, MemberId: f.member, Revision: f.rev()}
}

// at is the store as it was at a revision.
func (f *fake) at(rev int64) map[string]*mvccpb.KeyValue {
	kvs := map[string]*mvccpb.KeyValue{}
	for _, step := range f.history[:rev+1] {
		for _, e := range step {
			if e.Type == mvccpb.DELETE {
				delete(kvs, string(e.Kv.Key))
			} else {
				kvs[string(e.Kv.Key)] = e.Kv
			}
		}
	}
	return kvs
}

// commit makes one revision: keys and values, alternating; the value "-"
// deletes. It returns the revision.
func (f *fake) commit(kvs ...string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write(kvs...)
	for _, s := range f.streams {
		s.tell(f.history[f.rev()])
	}
	return f.rev()
}

func (f *fake) write(kvs ...string) {
	now, rev := f.at(f.rev()), f.rev()+1
	var step []*mvccpb.Event
	for i := 0; i < len(kvs); i += 2 {
		kv := &mvccpb.KeyValue{Key: []byte(kvs[i]), ModRevision: rev}
		if kvs[i+1] == "-" {
			step = append(step, &mvccpb.Event{Type: mvccpb.DELETE, Kv: kv})
			continue
		}
		kv.Value, kv.CreateRevision, kv.Version = []byte(kvs[i+1]), rev, 1
		if old := now[kvs[i]]; old != nil {
			kv.CreateRevision, kv.Version = old.CreateRevision, old.Version+1
		}
		step = append(step, &mvccpb.Event{Kv: kv})
	}
	f.history = append(f.history, step)
}

// crowd puts keys between /app and /web, so that each of two prefixes gets a
// watcher of its own.
func (f *fake) crowd() {
	var kvs []string
	for i := range fewBetween + 10 {
		kvs = append(kvs, fmt.Sprint("/between/", i), "1")
	}
	f.commit(kvs...)
}

// spans is what the newest stream watches.
func (f *fake) spans() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.streams[len(f.streams)-1].watchers {
		all = append(all, w.start)
	}
	return all
}

// restore brings an older revision back; streams stay, as behind a proxy.
func (f *fake) restore(rev int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.history = f.history[:rev+1]
}

// set changes what is wrong.
func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func get[T any](f *fake, what func(*fake) T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return what(f)
}

func within(key, start, end string) bool { return span{start, end}.holds(key) }

func (f *fake) Range(ctx context.Context, q *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	f.set(func(f *fake) { f.ranges++ })
	return f.answer(ctx, q)
}

// Txn is for transactions that only read.
func (f *fake) Txn(ctx context.Context, q *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	f.set(func(f *fake) { f.ranges++ })
	if len(q.Success) > cmp.Or(f.mostOps, 128) {
		return nil, rpctypes.ErrGRPCTooManyOps
	}
	a := &etcdserverpb.TxnResponse{Header: get(f, (*fake).header), Succeeded: true}
	for _, op := range q.Success {
		if !op.GetRequestRange().GetCountOnly() {
			f.set(func(f *fake) { f.risky++ })
		}
		r, err := f.answer(ctx, op.GetRequestRange())
		if err != nil {
			return nil, err
		}
		a.Responses = append(a.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseRange{ResponseRange: r}})
	}
	return a, nil
}

func (f *fake) answer(ctx context.Context, q *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	hook := get(f, func(f *fake) func(context.Context, *etcdserverpb.RangeRequest) error { return f.onRange })
	if hook != nil {
		if err := hook(ctx, q); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.permitted(ctx, string(q.Key), string(q.RangeEnd)); err != nil {
		return nil, err
	}
	rev := q.Revision
	switch {
	case rev > f.rev():
		return nil, rpctypes.ErrGRPCFutureRev
	case rev > 0 && rev < f.compacted:
		return nil, rpctypes.ErrGRPCCompacted
	case rev == 0:
		rev = f.rev()
	}
	r := &etcdserverpb.RangeResponse{Header: f.header()}
	now := f.at(rev)
	maps.DeleteFunc(now, func(k string, _ *mvccpb.KeyValue) bool { return !within(k, string(q.Key), string(q.RangeEnd)) })
	for _, k := range sortedKeys(now) {
		r.Count++
		if !q.CountOnly && (q.Limit == 0 || q.MinModRevision > 0 || r.Count <= q.Limit) {
			f.read++
		}
		switch {
		case q.CountOnly || now[k].ModRevision < q.MinModRevision:
		case q.Limit > 0 && int64(len(r.Kvs)) == q.Limit:
			r.More = true
		default:
			kv := proto.CloneOf(now[k])
			if q.KeysOnly {
				kv.Value = nil
			}
			r.Kvs = append(r.Kvs, kv)
		}
	}
	return r, nil
}

func sortedKeys(m map[string]*mvccpb.KeyValue) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

func (f *fake) permitted(ctx context.Context, start, end string) error {
	if f.token != "" {
		md, _ := metadata.FromIncomingContext(ctx)
		switch tokens := md.Get(rpctypes.TokenFieldNameGRPC); {
		case len(tokens) == 0:
			return rpctypes.ErrGRPCUserEmpty
		case tokens[0] != f.token:
			return rpctypes.ErrGRPCInvalidAuthToken
		}
	}
	if f.refuse != nil && f.refuse(start, end) {
		return rpctypes.ErrGRPCPermissionDenied
	}
	return nil
}

func (f *fake) Status(context.Context, *etcdserverpb.StatusRequest) (*etcdserverpb.StatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &etcdserverpb.StatusResponse{Header: f.header(), Version: f.version}, nil
}

func (f *fake) Authenticate(_ context.Context, q *etcdserverpb.AuthenticateRequest) (*etcdserverpb.AuthenticateResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins++
	switch {
	case f.token == "":
		return nil, rpctypes.ErrGRPCAuthNotEnabled
	case q.Password != "right":
		return nil, rpctypes.ErrGRPCAuthFailed
	}
	return &etcdserverpb.AuthenticateResponse{Header: f.header(), Token: f.token}, nil
}

// fakeStream is one stream of watchers, all under the fake's lock.
type fakeStream struct {
	f        *fake
	queue    []*etcdserverpb.WatchResponse
	wake     chan struct{}
	watchers []fakeWatcher
}

type fakeWatcher struct {
	id         int64
	start, end string
	from       int64
}

func (f *fake) Watch(g etcdserverpb.Watch_WatchServer) error {
	s := &fakeStream{f: f, wake: make(chan struct{}, 1)}
	md, _ := metadata.FromIncomingContext(g.Context())
	f.set(func(f *fake) {
		f.streams = append(f.streams, s)
		f.opened++
		f.leader = slices.Equal(md.Get(rpctypes.MetadataRequireLeaderKey), []string{rpctypes.MetadataHasLeader})
	})
	defer f.set(func(f *fake) {
		f.streams = slices.DeleteFunc(f.streams, func(o *fakeStream) bool { return o == s })
	})
	asked := make(chan error, 1)
	go func() {
		for {
			q, err := g.Recv()
			if err != nil {
				asked <- err
				return
			}
			f.set(func(f *fake) { s.request(g.Context(), q) })
		}
	}()
	for {
		select {
		case <-s.wake:
			for _, r := range get(f, func(*fake) (q []*etcdserverpb.WatchResponse) { q, s.queue = s.queue, nil; return q }) {
				if r.CancelReason == "break the stream" {
					return rpctypes.ErrGRPCNoLeader
				}
				if err := g.Send(r); err != nil {
					return err
				}
			}
		case err := <-asked:
			return err
		case <-g.Context().Done():
			return g.Context().Err()
		}
	}
}

// send queues an answer.
func (s *fakeStream) send(r *etcdserverpb.WatchResponse) {
	if s.f.deaf && !r.Created {
		return
	}
	s.queue = append(s.queue, r)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *fakeStream) request(ctx context.Context, q *etcdserverpb.WatchRequest) {
	f := s.f
	switch u := q.RequestUnion.(type) {
	case *etcdserverpb.WatchRequest_ProgressRequest:
		f.progresses++
		if !f.mute {
			s.send(&etcdserverpb.WatchResponse{Header: f.header(), WatchId: -1})
		}
	case *etcdserverpb.WatchRequest_CreateRequest:
		s.create(ctx, u.CreateRequest)
	}
}

func (s *fakeStream) create(ctx context.Context, c *etcdserverpb.WatchCreateRequest) {
	f := s.f
	if err := f.permitted(ctx, string(c.Key), string(c.RangeEnd)); err != nil {
		s.send(&etcdserverpb.WatchResponse{Header: f.header(), WatchId: -1, Created: true, Canceled: true, CancelReason: err.Error()})
		return
	}
	if f.first != nil {
		f.first.Header = f.header()
		s.send(f.first)
		return
	}
	s.send(&etcdserverpb.WatchResponse{Header: f.header(), WatchId: c.WatchId, Created: true})
	if c.StartRevision < f.compacted {
		s.send(&etcdserverpb.WatchResponse{Header: f.header(), WatchId: c.WatchId, Canceled: true, CompactRevision: f.compacted})
		return
	}
	w := fakeWatcher{c.WatchId, string(c.Key), string(c.RangeEnd), c.StartRevision}
	s.watchers = append(s.watchers, w)
	var old []*mvccpb.Event
	for rev := c.StartRevision; rev <= f.rev(); rev++ {
		old = append(old, w.of(f.history[rev])...)
	}
	if len(old) > 0 {
		s.send(&etcdserverpb.WatchResponse{Header: f.header(), WatchId: w.id, Events: f.kept(old)})
	}
}

func (w fakeWatcher) of(step []*mvccpb.Event) (mine []*mvccpb.Event) {
	for _, e := range step {
		if e.Kv.ModRevision >= w.from && within(string(e.Kv.Key), w.start, w.end) {
			mine = append(mine, e)
		}
	}
	return mine
}

func (f *fake) kept(events []*mvccpb.Event) []*mvccpb.Event {
	if f.lose == nil {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events), f.lose)
}

// tell sends a revision to the watchers that it concerns.
func (s *fakeStream) tell(step []*mvccpb.Event) {
	for _, w := range s.watchers {
		if mine := s.f.kept(w.of(step)); len(mine) > 0 {
			s.send(&etcdserverpb.WatchResponse{Header: s.f.header(), WatchId: w.id, Events: mine})
		}
	}
}

// say sends an answer that a test has made on every stream.
func (f *fake) say(r *etcdserverpb.WatchResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header == nil {
		r.Header = f.header()
	}
	for _, s := range f.streams {
		s.send(r)
	}
}

// breakStreams ends every stream as a member does that has lost its leader.
func (f *fake) breakStreams() {
	f.say(&etcdserverpb.WatchResponse{CancelReason: "break the stream"})
}

// words makes a test's expectations short: "/a=1 -/b" for a put and a delete,
// "" for a batch without changes.
func words(b backend.Batch) string {
	var ws []string
	for _, p := range b.Puts {
		ws = append(ws, p.Key+"="+p.Value)
	}
	for _, k := range b.Deletes {
		ws = append(ws, "-"+k)
	}
	slices.Sort(ws)
	return strings.Join(ws, " ")
}
