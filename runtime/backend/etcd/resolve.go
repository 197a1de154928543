package etcd

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/resolver"
)

// resolve is the addresses to connect to now.
func (n *nodes) resolve(ctx context.Context) ([]string, error) {
	if n.record == "" {
		return n.fixed, nil
	}
	srv, err := n.lookup(ctx, n.record)
	if err != nil {
		return nil, fmt.Errorf("look up SRV record %s: %w", n.record, err)
	}
	var found []string
	for _, s := range srv {
		found = append(found, net.JoinHostPort(strings.TrimSuffix(s.Target, "."), strconv.Itoa(int(s.Port))))
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("SRV record %s names no node", n.record)
	}
	slices.Sort(found)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.found = found
	return found, nil
}

// Scheme, Build and resolving make nodes the resolver of a connection. gRPC
// asks again whenever a connection breaks, so that a changed record is found.
func (n *nodes) Scheme() string { return "etcd" }

func (n *nodes) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	ctx, stop := context.WithCancel(context.Background())
	r := &resolving{nodes: n, cc: cc, stop: stop}
	n.ResolveNow(resolver.ResolveNowOptions{})
	r.done.Go(func() { r.run(ctx) })
	return r, nil
}

// ResolveNow asks for the addresses to be looked up.
func (n *nodes) ResolveNow(resolver.ResolveNowOptions) {
	select {
	case n.ask <- struct{}{}:
	default:
	}
}

// resolving keeps one connection's addresses.
type resolving struct {
	*nodes
	cc   resolver.ClientConn
	stop context.CancelFunc
	done sync.WaitGroup
}

func (r *resolving) Close() {
	r.stop()
	r.done.Wait()
}

// run answers ResolveNow, at most once a second.
func (r *resolving) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.ask:
		}
		r.update(ctx)
		if r.record == "" {
			return // what is written in the configuration stays
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (r *resolving) update(ctx context.Context) {
	found, err := r.resolve(ctx)
	if err != nil {
		r.cc.ReportError(err)
		r.giveUp()
		return
	}
	var s resolver.State
	for _, a := range found {
		s.Endpoints = append(s.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: a, ServerName: a}}})
	}
	_ = r.cc.UpdateState(s) // an error means that gRPC will ask again
}
