// Package api is the part of etcd's published gRPC interface that reads: four
// calls and a stream, with the fields that wconf looks at
// (https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/, and the numbers of
// its fields from etcd's api/etcdserverpb/rpc.proto).
//
// etcd's own package describes all of the interface to protobuf's registry
// each time that a program starts, which is a tenth of a one-shot run, and
// decodes a key into three allocations; here it is one.
package api

import (
	"context"

	"google.golang.org/grpc"
)

// Client makes calls. An error is one of gRPC.
type Client struct{ conn grpc.ClientConnInterface }

// NewClient returns a client that makes its calls on conn.
func NewClient(conn grpc.ClientConnInterface) Client { return Client{conn} }

// Range reads keys from one up to another.
func (c Client) Range(ctx context.Context, q *RangeRequest) (*RangeResponse, error) {
	return call(ctx, c.conn, "/etcdserverpb.KV/Range", q, new(RangeResponse))
}

// Txn reads several ranges at one revision.
func (c Client) Txn(ctx context.Context, q *TxnRequest) (*TxnResponse, error) {
	return call(ctx, c.conn, "/etcdserverpb.KV/Txn", q, new(TxnResponse))
}

// Status asks a member what it is.
func (c Client) Status(ctx context.Context, q *StatusRequest) (*StatusResponse, error) {
	return call(ctx, c.conn, "/etcdserverpb.Maintenance/Status", q, new(StatusResponse))
}

// Authenticate exchanges a password for a token.
func (c Client) Authenticate(ctx context.Context, q *AuthenticateRequest) (*AuthenticateResponse, error) {
	return call(ctx, c.conn, "/etcdserverpb.Auth/Authenticate", q, new(AuthenticateResponse))
}

func call[A any](ctx context.Context, conn grpc.ClientConnInterface, method string, q any, a A) (A, error) {
	err := conn.Invoke(ctx, method, q, a, grpc.ForceCodecV2(codec{}))
	return a, err
}

// Watch opens a stream of watchers.
func (c Client) Watch(ctx context.Context) (WatchStream, error) {
	s, err := c.conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "Watch", ServerStreams: true, ClientStreams: true},
		"/etcdserverpb.Watch/Watch", grpc.ForceCodecV2(codec{}))
	return WatchStream{s}, err
}

// WatchStream carries requests for watchers and what these see.
type WatchStream struct{ stream grpc.ClientStream }

// Create asks for a watcher.
func (s WatchStream) Create(q *WatchCreateRequest) error { return s.stream.SendMsg(q) }

// Progress asks how far all watchers are.
func (s WatchStream) Progress() error { return s.stream.SendMsg(progressRequest{}) }

// Recv waits for the next answer.
func (s WatchStream) Recv() (*WatchResponse, error) {
	a := new(WatchResponse)
	err := s.stream.RecvMsg(a)
	return a, err
}
