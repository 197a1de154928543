package etcd

import (
	"context"
	"errors"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// mostTogether is how many ranges one transaction may have (etcd's own default,
// --max-txn-ops).
const mostTogether = 128

// counts asks how many keys ranges have, many with one request. A transaction
// is refused as a whole, so after a refusal its ranges are asked for one by
// one; those that are optional may be denied.
//
// It is for counts alone: servers before 3.5.7 and 3.4.23 may end when a
// transaction that reads values is cancelled (etcd issues 14110 and 14891).
// A count does not look whether it is.
func (b *Backend) counts(ctx context.Context, qs []*api.RangeRequest, optional bool) (all []*api.RangeResponse, err error) {
	for some := range slices.Chunk(qs, mostTogether) {
		rs, err := b.together(ctx, some)
		if denied(err) || tooMany(err) {
			rs, err = b.apart(ctx, some, optional)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
	}
	return all, nil
}

func (b *Backend) together(ctx context.Context, qs []*api.RangeRequest) (rs []*api.RangeResponse, err error) {
	a, err := ask(ctx, b, b.api.Txn, &api.TxnRequest{Ranges: qs})
	if err != nil {
		return nil, err
	}
	return a.Ranges, nil
}

// apart asks for ranges one by one.
func (b *Backend) apart(ctx context.Context, qs []*api.RangeRequest, optional bool) (rs []*api.RangeResponse, err error) {
	for _, q := range qs {
		r, err := ask(ctx, b, b.api.Range, q)
		if optional && denied(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// tooMany tells whether a server wants fewer ranges in a transaction, or
// shorter ones.
func tooMany(err error) bool {
	known := rpctypes.Error(cause(err))
	return errors.Is(known, rpctypes.ErrTooManyOps) || errors.Is(known, rpctypes.ErrRequestTooLarge)
}
