// Package etcdtest starts real etcd servers for tests, on free ports of the
// loopback interface, and does to them what happens in production: stop, kill,
// freeze, restart, compact, bring back an older state, cut the network.
//
// Only tests may import it.
package etcdtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/wconf/wconf/runtime/needs"
)

// Server is one etcd process. Its methods fail the test when they do not
// succeed.
type Server struct {
	Endpoint string // host:port

	t      testing.TB
	name   string
	tls    *tls.Config
	args   []string
	data   string
	binary string
	cmd    *exec.Cmd
	client *clientv3.Client
	backup int
}

// Start starts a cluster of one. args are added to etcd's command line.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartBinary(t, Binary(t), args...)
}

// StartBinary starts another etcd program, such as a distribution's.
func StartBinary(t testing.TB, binary string, args ...string) *Server {
	t.Helper()
	return start(t, binary, 1, args, nil)[0]
}

// StartTLS starts a server whose args make it speak TLS; config is the
// client's side.
func StartTLS(t testing.TB, config *tls.Config, args ...string) *Server {
	t.Helper()
	return start(t, Binary(t), 1, args, config)[0]
}

// Cluster starts a cluster of n members.
func Cluster(t testing.TB, n int, args ...string) []*Server {
	t.Helper()
	return start(t, Binary(t), n, args, nil)
}

func start(t testing.TB, binary string, n int, args []string, config *tls.Config) []*Server {
	t.Helper()
	members, peers, cluster := make([]*Server, n), make([]string, n), []string(nil)
	for i := range members {
		members[i] = &Server{t: t, Endpoint: FreeAddress(t), name: fmt.Sprintf("m%d", i), tls: config, binary: binary, data: filepath.Join(t.TempDir(), "data")}
		peers[i] = "http://" + FreeAddress(t)
		cluster = append(cluster, members[i].name+"="+peers[i])
	}
	if n == 1 { // nobody to wait for: a server is there in 0.3 s instead of 1.3 s
		args = append([]string{"--heartbeat-interval", "20", "--election-timeout", "200"}, args...)
	}
	for i, s := range members {
		url := s.url()
		s.args = append([]string{
			"--name", s.name, "--log-level", "error", "--unsafe-no-fsync",
			"--listen-client-urls", url, "--advertise-client-urls", url,
			"--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i], "--initial-cluster", strings.Join(cluster, ","),
		}, args...)
		s.launch()
		t.Cleanup(s.end)
	}
	for _, s := range members {
		s.Await()
	}
	return members
}

// FreeAddress is an address of the loopback interface that nobody listens at. A
// port that the system chooses can be given to the next who asks, or to an
// outgoing connection, before its server listens or while it restarts. So this is
// one below those (from 32768 on, on Linux), of a stretch that other processes
// come to late, and each is given once.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range ports {
		port := firstPort + (uint32(os.Getpid())*211+given.Add(1))%ports
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

const firstPort, ports = 10_000, 20_000

var given atomic.Uint32

func (s *Server) url() string {
	if s.tls != nil {
		return "https://" + s.Endpoint
	}
	return "http://" + s.Endpoint
}

func (s *Server) launch() {
	s.t.Helper()
	s.cmd = exec.Command(s.binary, append([]string{"--data-dir", s.data}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.t.Output(), s.t.Output()
	dieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start etcd: %v", err)
	}
}

func (s *Server) end() {
	if s.client != nil {
		s.client.Close()
	}
	s.Kill()
}

// Kill ends the process at once, as a crash does.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
}

// Stop ends the process in an orderly way.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatalf("stop etcd: %v", err)
	}
	s.cmd.Wait()
	s.cmd = nil
}

// Restart starts the process again, on the same ports and data, after Kill or
// Stop (or kills it first), and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Launch()
	s.Await()
}

// Launch is Restart without waiting.
func (s *Server) Launch() {
	s.t.Helper()
	s.Kill()
	s.launch()
}

// Await waits until the server answers a linearizable read.
func (s *Server) Await() {
	s.t.Helper()
	var err error
	answers := func() bool {
		ctx, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer stop()
		_, err = s.Client().Get(ctx, "\x00ready", clientv3.WithKeysOnly())
		return err == nil || strings.Contains(err.Error(), "user name is empty")
	}
	if !needs.Await(30*time.Second, answers) {
		s.t.Fatalf("etcd at %s does not answer: %v", s.Endpoint, err)
	}
}

// Client is a client of this server alone, closed when the test ends.
func (s *Server) Client() *clientv3.Client {
	s.t.Helper()
	if s.client != nil {
		return s.client
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.url()}, TLS: s.tls, DialTimeout: 5 * time.Second, Logger: zap.NewNop(), DialOptions: []grpc.DialOption{promptly}})
	if err != nil {
		s.t.Fatalf("client of etcd: %v", err)
	}
	s.client = c
	return c
}

// promptly makes clients find a restarted server at once.
var promptly = grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 100 * time.Millisecond}, MinConnectTimeout: time.Second})

// UseClient replaces the client, where the default one cannot log in or
// connect.
func (s *Server) UseClient(c *clientv3.Client) {
	if s.client != nil {
		s.client.Close()
	}
	s.client = c
}
