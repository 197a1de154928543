package etcdtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/needs"
)

const patience = 20 * time.Second

// Put writes keys and values, alternating, each pair on its own, and returns
// the last revision.
func (s *Server) Put(kvs ...string) (rev int64) {
	s.t.Helper()
	for i := 0; i < len(kvs); i += 2 {
		rev = s.Txn(clientv3.OpPut(kvs[i], kvs[i+1]))
	}
	return rev
}

// Delete removes keys, each on its own, and returns the last revision.
func (s *Server) Delete(keys ...string) (rev int64) {
	s.t.Helper()
	for _, k := range keys {
		rev = s.Txn(clientv3.OpDelete(k))
	}
	return rev
}

// Txn makes one transaction, which becomes one revision.
func (s *Server) Txn(ops ...clientv3.Op) (rev int64) {
	s.t.Helper()
	s.insist("etcd transaction", func(ctx context.Context) error {
		r, err := s.Client().Txn(ctx).Then(ops...).Commit()
		if err == nil {
			rev = r.Header.Revision
		}
		return err
	})
	return rev
}

// insist does what can fail while a server comes to itself, until it succeeds.
func (s *Server) insist(what string, do func(ctx context.Context) error) {
	s.t.Helper()
	ctx, stop := needs.Context(context.Background(), patience)
	defer stop()
	for {
		err := do(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
	}
}

// Revision is the store's newest.
func (s *Server) Revision() (rev int64) {
	s.t.Helper()
	s.insist("etcd revision", func(ctx context.Context) error {
		r, err := s.Client().Get(ctx, "\x00", clientv3.WithCountOnly())
		if err == nil {
			rev = r.Header.Revision
		}
		return err
	})
	return rev
}

// Compact forgets the history up to a revision; 0 means the newest.
func (s *Server) Compact(rev int64) {
	s.t.Helper()
	if rev == 0 {
		rev = s.Revision()
	}
	s.insist(fmt.Sprint("compact etcd to revision ", rev), func(ctx context.Context) error {
		_, err := s.Client().Compact(ctx, rev, clientv3.WithCompactPhysical())
		if errors.Is(err, rpctypes.ErrCompacted) { // the first attempt, or another test
			return nil
		}
		return err
	})
}

// Save keeps the store as it is now; the function it returns brings that back,
// as restoring a snapshot does: the same cluster, an older history. The server
// restarts both times.
func (s *Server) Save() (restore func()) {
	s.t.Helper()
	s.backup++
	copied := s.data + ".saved" + strconv.Itoa(s.backup)
	s.Kill() // an orderly stop waits for streams
	s.copy(s.data, copied)
	s.Restart()
	return func() {
		s.t.Helper()
		s.Kill()
		if err := os.RemoveAll(s.data); err != nil {
			s.t.Fatal(err)
		}
		s.copy(copied, s.data)
		s.Restart()
	}
}

func (s *Server) copy(from, to string) {
	s.t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		s.t.Fatalf("copy %s: %v", filepath.Base(from), err)
	}
}

// Wipe makes the server a new and empty cluster at the same address.
func (s *Server) Wipe() {
	s.t.Helper()
	s.Kill()
	if err := os.RemoveAll(s.data); err != nil {
		s.t.Fatal(err)
	}
	s.args = append(s.args, "--initial-cluster-token", "another"+strconv.Itoa(s.backup))
	s.Restart()
}
