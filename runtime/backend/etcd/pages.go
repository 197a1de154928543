package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// pages reads spans at one revision of the store, a page at a time: the page
// that is asked for without a revision decides it. All reads are linearizable,
// so that no member that lags behind can answer.
type pages struct {
	b        *Backend
	rev      int64  // 0: the newest, once the first page is there
	cluster  uint64 // of the first page
	limit    int64  // keys a page
	keysOnly bool
	expect   func(n int64) // is told, if set, how many keys a span has
}

// For each page the server counts all keys that are left, so that small pages
// of many keys cost the square of them. It also holds a whole page in memory:
// pages grow step by step, for behind small values there can be large ones.
const (
	firstPage   = 256      // keys; what follows depends on their size
	longestPage = 64 << 10 // keys
	pageSize    = 4 << 20  // bytes
	keyOverhead = 32       // bytes beside key and value
	pageGrowth  = 16
)

// errOtherCluster is how a page ends that another cluster has answered.
var errOtherCluster = errors.New("pages of one list came from different clusters")

// each calls f for every key of s, in order. The server reads the next page
// while f looks at one.
func (p *pages) each(ctx context.Context, s span, f func(*api.KeyValue) error) error {
	r, err := p.page(ctx, s)
	if err == nil && p.expect != nil {
		p.expect(r.Count)
	}
	for err == nil {
		more := r.More && len(r.Kvs) > 0
		var ahead errgroup.Group
		var after *api.RangeResponse
		if more {
			s.start = next(r.Kvs[len(r.Kvs)-1].Key)
			ahead.Go(func() (err error) { after, err = p.page(ctx, s); return err })
		}
		for i := 0; i < len(r.Kvs) && err == nil; i++ {
			err = f(&r.Kvs[i])
		}
		err = cmp.Or(err, ahead.Wait())
		if !more {
			return err
		}
		r = after
	}
	return err
}

// page reads as much of the beginning of s as fits an answer.
func (p *pages) page(ctx context.Context, s span) (*api.RangeResponse, error) {
	if p.limit == 0 {
		p.limit = firstPage
	}
	for {
		r, err := ask(ctx, p.b, p.b.api.Range, &api.RangeRequest{
			Key: s.start, RangeEnd: s.end, Limit: p.limit, Revision: p.rev, KeysOnly: p.keysOnly,
		})
		switch {
		case tooLarge(err) && p.limit > 1:
			p.limit /= 2
			continue
		case tooLarge(err):
			return nil, p.b.problem(err, fmt.Sprintf("has a value of more than %d MiB under the first key from %q on", maxMessage>>20, s.start), "")
		case err != nil:
			return nil, err
		}
		return r, p.took(r)
	}
}

// took checks that a page belongs to the others, and sets the next one's size.
func (p *pages) took(r *api.RangeResponse) error {
	if p.rev == 0 {
		p.rev, p.cluster = r.Header.Revision, r.Header.ClusterId
	}
	if p.cluster == 0 {
		p.cluster = r.Header.ClusterId
	}
	if r.Header.ClusterId != p.cluster {
		return errOtherCluster
	}
	if n := int64(len(r.Kvs)); n > 0 {
		size := n * keyOverhead
		for _, kv := range r.Kvs {
			size += int64(len(kv.Key) + len(kv.Value))
		}
		p.limit = min(max(pageSize*n/size, 1), pageGrowth*p.limit, longestPage)
	}
	return nil
}

// tooLarge tells whether an answer was larger than what is taken. etcd uses
// the same code for a full disk, which no shorter page mends.
func tooLarge(err error) bool {
	if status.Code(err) != codes.ResourceExhausted {
		return false
	}
	var known rpctypes.EtcdError
	return !errors.As(rpctypes.Error(err), &known)
}

// moved tells whether a list failed because the store went on meanwhile, so
// that a new one can succeed.
func moved(err error) bool {
	known := rpctypes.Error(cause(err))
	return errors.Is(known, rpctypes.ErrCompacted) || errors.Is(known, rpctypes.ErrFutureRev) || errors.Is(err, errOtherCluster)
}

func denied(err error) bool {
	return errors.Is(rpctypes.Error(cause(err)), rpctypes.ErrPermissionDenied)
}

// eachOf calls f for every key of a part. A role often grants "/app/" and what
// is below it, but not "/app": then that one key is taken as absent.
func (p *pages) eachOf(ctx context.Context, pt part, f func(*api.KeyValue) error) error {
	if pt.self.start != "" {
		if err := p.each(ctx, pt.self, f); denied(err) {
			p.b.logRefused(pt.self)
		} else if err != nil {
			return err
		}
	}
	for _, s := range pt.tree {
		if err := p.each(ctx, s, f); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) logRefused(self span) {
	b.log.Debug("the user may read what is below a prefix, but not the key itself", "backend", Factory.Name, "key", self.start)
}
