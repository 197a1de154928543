package etcd_test

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/backend/etcd"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
)

func TestConformance(t *testing.T) {
	suite(t, etcdtest.Start(t), backend.Config{})
}

// Debian's etcd is a version that cannot be asked for progress.
func TestConformanceDebian(t *testing.T) {
	suite(t, etcdtest.StartBinary(t, needs.Tool(t, "etcd")), backend.Config{})
}

func TestConformanceBareKeys(t *testing.T) {
	suite(t, etcdtest.Start(t), backend.Config{BareKeys: true})
}

// suite runs the conformance suite on one server, which is emptied before each
// of its tests.
func suite(t *testing.T, s *etcdtest.Server, c backend.Config) {
	open := func(t *testing.T, pairs []kv.Pair) backendtest.Store {
		proxy := etcdtest.NewProxy(t, s.Endpoint)
		c.Nodes = []string{proxy.Endpoint}
		b, err := etcd.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		s.Txn(clientv3.OpDelete("", clientv3.WithPrefix()))
		apply(s, pairs, nil)
		return backendtest.Store{
			Backend: b,
			Apply:   func(puts []kv.Pair, deletes []string) { apply(s, puts, deletes) },
			Forget:  func() { s.Compact(0) },
			Down: func(down bool) {
				if down {
					proxy.Refuse()
				} else {
					proxy.Pass()
				}
			},
		}
	}
	backendtest.Suite(t, backendtest.Harness{Open: open, Steps: true})
}

// apply makes one revision.
func apply(s *etcdtest.Server, puts []kv.Pair, deletes []string) {
	var ops []clientv3.Op
	for _, k := range deletes {
		ops = append(ops, clientv3.OpDelete(k))
	}
	for _, p := range puts {
		ops = append(ops, clientv3.OpPut(p.Key, p.Value))
	}
	if len(ops) > 0 {
		s.Txn(ops...)
	}
}
