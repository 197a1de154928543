package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

const probeTimeout = 3 * time.Second

// probe reads one key, linearizably: the newest that was seen. It returns the
// store's revision, and how its history differs from the one that at comes
// from ("" when it does not, as far as can be known: a version that has been
// compacted proves nothing).
func (b *Backend) probe(ctx context.Context, sc scope, at cursor) (rev int64, other string, err error) {
	ctx, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	key := at.mark.key
	if at.mark.mod == 0 {
		key = sc.parts()[0].tree[0].start
	}
	r, err := ask(ctx, b, b.api.Range, &api.RangeRequest{Key: key, KeysOnly: at.mark.large()})
	if err != nil {
		return 0, "", err
	}
	rev = r.Header.Revision
	switch {
	case r.Header.ClusterId != at.cluster:
		return rev, fmt.Sprintf("cluster %x stands where %x was", r.Header.ClusterId, at.cluster), nil
	case rev < at.rev:
		return rev, fmt.Sprintf("the store is at revision %d and was at %d", rev, at.rev), nil
	case at.mark.mod == 0 || len(r.Kvs) == 1 && at.mark.is(&r.Kvs[0]):
		return rev, "", nil
	}
	return b.provePast(ctx, at, rev)
}

// provePast looks the mark up at its own revision: the key has changed since.
func (b *Backend) provePast(ctx context.Context, at cursor, rev int64) (int64, string, error) {
	r, err := ask(ctx, b, b.api.Range, &api.RangeRequest{Key: at.mark.key, Revision: at.mark.mod, KeysOnly: at.mark.large()})
	switch {
	case errors.Is(rpctypes.Error(err), rpctypes.ErrCompacted):
		return rev, "", nil
	case err != nil:
		return 0, "", err
	case len(r.Kvs) == 1 && at.mark.is(&r.Kvs[0]):
		return rev, "", nil
	}
	return rev, fmt.Sprintf("key %q of revision %d was rewritten", at.mark.key, at.mark.mod), nil
}
