package etcd

import (
	"context"
	"slices"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

var _ backend.Refuser = (*Backend)(nil)

// Refused asks for each prefix by itself. As in a list, a prefix counts as
// readable where only the key of its own name is refused.
func (b *Backend) Refused(ctx context.Context, prefixes []string) (refused []string, err error) {
	ctx, stop := b.bind(ctx)
	defer stop()
	for _, prefix := range prefixes {
		for _, pt := range b.scope([]string{prefix}).parts() {
			for _, s := range pt.tree {
				_, err := ask(ctx, b, b.api.Range, &api.RangeRequest{Key: s.start, RangeEnd: s.end, CountOnly: true})
				switch {
				case denied(err):
					refused = append(refused, prefix)
				case err != nil:
					return nil, b.explain(ctx, err)
				}
			}
		}
	}
	return slices.Compact(refused), nil
}
