package etcd

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// maxMessage is the largest answer that is taken. A list asks for fewer keys
// when an answer is larger.
const maxMessage = 64 << 20

// What the server may send before it is read. gRPC's default finds that out by
// a ping for nearly every message, which a watch of single changes pays for.
const (
	streamWindow = 4 << 20
	connWindow   = 16 << 20
)

// A connection that is dead is noticed within 15 s. etcd calls it an attack
// when a client pings faster than every 5 s.
var keepAlive = keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}

// reconnect keeps the pauses short: gRPC's own way to cut one short,
// ResetConnectBackoff, walks a map that others write to (as of v1.83), which
// can end the process.
var reconnect = backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.5, MaxDelay: 1500 * time.Millisecond}

// connect makes the connection to all nodes; nothing is dialled yet. Requests
// and streams go to the members in turn.
func (b *Backend) connect(creds credentials.TransportCredentials) (err error) {
	b.conn, err = grpc.NewClient("etcd:///"+b.nodes.String(),
		grpc.WithResolvers(b.nodes),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(creds),
		grpc.WithPerRPCCredentials(b.login),
		grpc.WithContextDialer(b.dialNode),
		grpc.WithNoProxy(),
		grpc.WithKeepaliveParams(keepAlive),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: b.dial}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithDisableRetry(),
		grpc.WithIdleTimeout(0),
	)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", b.nodes, err)
	}
	b.api = api.NewClient(b.conn)
	b.login.api = b.api
	return nil
}

func (b *Backend) dialNode(ctx context.Context, address string) (net.Conn, error) {
	conn, err := b.net(ctx, "tcp", address)
	if err != nil {
		b.nodes.note(address, err)
	}
	return conn, err
}

// settle waits, no longer than a connection may take, until it is known
// whether some node can be connected to.
func (b *Backend) settle(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, b.dial)
	defer stop()
	state := b.conn.GetState()
	if state == connectivity.TransientFailure { // and stays so until some node is connected to
		defer b.nodes.try(stop)()
		b.nodes.ResolveNow(resolver.ResolveNowOptions{})
		b.conn.WaitForStateChange(ctx, state)
		state = b.conn.GetState()
	}
	for state == connectivity.Idle || state == connectivity.Connecting {
		b.conn.Connect()
		if !b.conn.WaitForStateChange(ctx, state) {
			return
		}
		state = b.conn.GetState()
	}
}

// ask makes one request: within the request timeout, with a token that counts.
func ask[Q, A any](ctx context.Context, b *Backend, call func(context.Context, Q) (A, error), q Q) (A, error) {
	ctx, stop := context.WithTimeout(ctx, b.timeout)
	defer stop()
	var a A
	err := b.login.with(ctx, func() (err error) {
		a, err = call(ctx, q)
		return err
	})
	return a, err
}
