// Package etcd reads an etcd v3 cluster and misses nothing: a list is one
// revision of the store, a watch is every later revision in order, and a store
// that was restored, replaced or cut off is noticed instead of believed.
//
// It speaks etcd's published gRPC interface itself (package api). The
// usual client reconnects out of sight, buffers a watch without bound and turns
// a refused connection into "context deadline exceeded".
//
// The package never writes to the store, and never shows a value: errors and
// log lines carry the names and the revisions of keys.
package etcd

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// Factory opens etcd. Both of confd's names mean version 3 of the interface.
var Factory = backend.Factory{
	Name:    "etcd",
	Aliases: []string{"etcdv3"},
	Doc:     "etcd 3.4 and later: one consistent revision, watched without a gap",
	Open:    func(c backend.Config) (backend.Backend, error) { return Open(c) },
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Backend reads one etcd cluster.
type Backend struct {
	nodes   *nodes
	net     dialer
	conn    *grpc.ClientConn
	api     api.Client
	login   *login
	bare    bool
	timeout time.Duration // for one request
	dial    time.Duration // for one connection
	log     *slog.Logger
	life    backend.Lifetime

	mute    atomic.Bool // progress requests stay unanswered: one watcher for all prefixes
	between atomic.Bool // much changes between the prefixes: watch each by itself
	sent    lastSent
	surveys surveys
}

// Open checks c and returns a backend that connects when it is first used.
// Nodes are URLs or host:port, 127.0.0.1:2379 when there are none. TLS is
// spoken to https nodes, and to nodes without a scheme when c.Scheme is https
// or a CA or client certificate is given (as confd does). Timeouts default to
// 5 s for a connection and 10 s for a request.
func Open(c backend.Config) (*Backend, error) {
	return open(c, new(net.Dialer).DialContext)
}

func open(c backend.Config, net dialer) (*Backend, error) {
	b := &Backend{
		net:     net,
		bare:    c.BareKeys,
		timeout: cmp.Or(c.Timeout, 10*time.Second),
		dial:    cmp.Or(c.DialTimeout, 5*time.Second),
		log:     cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		login:   &login{user: c.Username, password: c.Password},
	}
	var err error
	if b.nodes, err = parseNodes(c); err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	creds, err := credentialsFor(c, b.nodes)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	if err := b.connect(creds); err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return b, nil
}

// Close ends the List and Watch that still run and the connections.
func (b *Backend) Close() error {
	b.life.Close()
	return b.conn.Close()
}

// bind joins a caller's context with the life of the backend.
func (b *Backend) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	return b.life.Bind(ctx)
}
