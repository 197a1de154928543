package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
)

// store is an etcd with keys.
type store struct {
	*etcdtest.Server
	b    testing.TB
	pid  int
	keys int
}

func startStore(b testing.TB, keys int) *store {
	b.Helper()
	s := &store{Server: etcdtest.Start(b, "--max-txn-ops", "2000", "--quota-backend-bytes", "4294967296"), b: b}
	s.pid = s.find()
	s.grow(keys)
	return s
}

// grow adds keys until there are so many.
func (s *store) grow(keys int) {
	s.b.Helper()
	for s.keys < keys {
		var ops []clientv3.Op
		for ; s.keys < keys && len(ops) < 1000; s.keys++ {
			ops = append(ops, clientv3.OpPut(key(s.keys), value(s.keys)))
		}
		s.Txn(ops...)
	}
}

// find is the server's process: the child of ours that listens there.
func (s *store) find() int {
	s.b.Helper()
	children, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range children {
		text, _ := os.ReadFile(name)
		for pid := range strings.FieldsSeq(string(text)) {
			line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			if strings.Contains(string(line), s.Endpoint) {
				n, _ := strconv.Atoi(pid)
				return n
			}
		}
	}
	s.b.Fatal("etcd's process was not found")
	return 0
}

// metric is the sum of the server's metric of a name, over all labels.
func (s *store) metric(name string) (sum float64) {
	s.b.Helper()
	r, err := http.Get("http://" + s.Endpoint + "/metrics")
	if err != nil {
		s.b.Fatal(err)
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		label, value, _ := strings.Cut(lines.Text(), " ")
		if series, _, _ := strings.Cut(label, "{"); series == name {
			n, _ := strconv.ParseFloat(value, 64)
			sum += n
		}
	}
	return sum
}

// meter passes connections on to a store and counts their bytes.
type meter struct {
	Endpoint string
	to, from atomic.Int64 // the store
	conns    atomic.Int64
}

func newMeter(b testing.TB, store string) *meter {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	m := &meter{Endpoint: l.Addr().String()}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	b.Cleanup(func() {
		stop()
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			m.conns.Add(1)
			all.Go(func() { m.serve(ctx, in, store) })
		}
	})
	return m
}

func (m *meter) serve(ctx context.Context, in net.Conn, store string) {
	defer in.Close()
	out, err := net.Dial("tcp", store)
	if err != nil {
		return
	}
	defer out.Close()
	defer context.AfterFunc(ctx, func() { in.Close(); out.Close() })()
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(counted{out, &m.to}, in)
		out.Close()
	}()
	io.Copy(counted{in, &m.from}, out)
	in.Close()
	<-done
}

type counted struct {
	io.Writer
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// newProxy is a way to a store that can be cut.
func newProxy(b testing.TB, store string) *etcdtest.Proxy {
	b.Helper()
	return etcdtest.NewProxy(b, store)
}
