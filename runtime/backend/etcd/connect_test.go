package etcd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/problem"
)

func TestNodes(t *testing.T) {
	for _, c := range []struct {
		config backend.Config
		want   string // addresses, or the error
		tls    bool
	}{
		{backend.Config{}, "127.0.0.1:2379", false},
		{backend.Config{Nodes: []string{"b:1", "http://a:2379", "b:1"}}, "a:2379, b:1", false},
		{backend.Config{Nodes: []string{"etcd.example"}}, "etcd.example:2379", false},
		{backend.Config{Nodes: []string{"[::1]:4001", "::1"}}, "[::1]:2379, [::1]:4001", false},
		{backend.Config{Nodes: []string{"https://a:1/"}}, "a:1", true},
		{backend.Config{Nodes: []string{"a:1"}, Scheme: "https"}, "a:1", true},
		{backend.Config{Nodes: []string{"http://a:1"}, Scheme: "https"}, "a:1", false},
		{backend.Config{SRVDomain: "example.com"}, "_etcd._tcp.example.com", false},
		{backend.Config{SRVRecord: "_x._tcp.example.com", SRVDomain: "other", Nodes: []string{"a:1"}}, "_x._tcp.example.com", false},
		{backend.Config{Nodes: []string{"http://a:1", "https://b:1"}}, "mix", false},
		{backend.Config{Nodes: []string{"ftp://a:1"}}, "scheme", false},
		{backend.Config{Nodes: []string{"http://a:1/v2/keys"}}, "path", false},
		{backend.Config{Nodes: []string{"a:b"}}, "host:port", false},
		{backend.Config{Nodes: []string{":2379"}}, "host:port", false},
		{backend.Config{Nodes: []string{""}}, "host:port", false},
		{backend.Config{Nodes: []string{"http://root:hunter2@a:1"}}, "username", false},
		{backend.Config{Nodes: []string{"root:hunter2@a:1"}}, "host:port", false},
		{backend.Config{ClientCert: "c.pem"}, "needs its key", false},
	} {
		n, err := parseNodes(c.config)
		if err == nil {
			_, err = credentialsFor(c.config, n)
		}
		if err != nil {
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%+v: %v, want %q", c.config.Nodes, err, c.want)
			}
			continue
		}
		if n.String() != c.want || n.secure != c.tls {
			t.Errorf("%+v: %s, TLS %v, want %s, %v", c.config, n, n.secure, c.want, c.tls)
		}
	}
}

// refusing is an address that nobody listens at, and nobody else can: it is
// taken by a socket that does not listen.
func refusing(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// A store that is down when wconf starts: Open works, List says who refuses,
// at once, each time, and works when the store is there.
func TestDownAtStart(t *testing.T) {
	t.Parallel()
	one, two := refusing(t), refusing(t)
	b := openReal(t, backend.Config{}, one, two)
	best := time.Hour // a busy machine makes one of them slow, hardly all
	for range 3 {
		began := time.Now()
		_, err := b.List(t.Context(), []string{"/"})
		if err == nil || strings.Count(err.Error(), "connection refused") != 2 || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) {
			t.Fatalf("error %v", err)
		}
		if p := new(problem.Problem); !errors.As(err, &p) || p.Code != problem.StoreDown {
			t.Errorf("%#v is no problem of the store", err)
		}
		best = min(best, time.Since(began))
	}
	if best > time.Second {
		t.Errorf("that took %v", best)
	}
	err := b.Watch(t.Context(), []string{"/"}, cursor{cluster: 1, rev: 1, scope: b.scope([]string{"/"}).id, mark: mark{sum: "v"}}.text(), nil)
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

// A host that swallows everything costs one dial timeout.
func TestHoleAtStart(t *testing.T) {
	t.Parallel()
	p := etcdtest.NewProxy(t, refusing(t))
	p.Hole()
	b := openReal(t, backend.Config{DialTimeout: time.Second}, p.Endpoint)
	best := time.Hour
	for range 2 {
		began := time.Now()
		_, err := b.List(t.Context(), []string{"/"})
		if err == nil || !strings.Contains(err.Error(), p.Endpoint) {
			t.Errorf("error %v", err)
		}
		best = min(best, time.Since(began))
	}
	if best > 3*time.Second {
		t.Errorf("that took %v", best)
	}
}

func TestOnlyVersion2(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(`{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}`))
	}))
	t.Cleanup(s.Close)
	b := openReal(t, backend.Config{}, s.URL)
	for range 2 {
		_, err := b.List(t.Context(), []string{"/"})
		if err == nil || !strings.Contains(err.Error(), "version 2.3.8") || !strings.Contains(err.Error(), "v2") {
			t.Errorf("error %v", err)
		}
	}
}

// SRV records are looked up when connecting, and again when that fails.
func TestSRV(t *testing.T) {
	t.Parallel()
	s := etcdtest.Start(t)
	s.Put("/app/a", "1")
	b, err := Open(backend.Config{SRVDomain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	host, port, _ := net.SplitHostPort(s.Endpoint)
	number, _ := net.LookupPort("tcp", port)
	asked := 0
	b.nodes.lookup = func(_ context.Context, record string) ([]*net.SRV, error) {
		if record != "_etcd._tcp.example.com" {
			t.Errorf("looked %s up", record)
		}
		if asked++; asked == 1 {
			return nil, &net.DNSError{Err: "no such host", Name: record, IsNotFound: true}
		}
		return []*net.SRV{{Target: host + ".", Port: uint16(number)}}, nil
	}
	if _, err := b.List(t.Context(), []string{"/app"}); err == nil || !strings.Contains(err.Error(), "SRV record _etcd._tcp.example.com") {
		t.Errorf("error %v", err)
	}
	newMirror(t, b, "/app").run().holds(soon, "/app/a", "1")
}

// pki makes certificates for tests, in files.
type pki struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPKI(t *testing.T) *pki {
	p := &pki{t: t, dir: t.TempDir()}
	p.cert, p.key = p.issue("ca", nil, nil)
	return p
}

func (p *pki) file(name string) string { return filepath.Join(p.dir, name) }

// issue writes name.pem and name.key, signed by p's CA, or by itself at first.
func (p *pki) issue(name string, hosts []string, ips []net.IP) (*x509.Certificate, *ecdsa.PrivateKey) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: p.cert == nil, BasicConstraintsValid: true, DNSNames: hosts, IPAddresses: ips,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := p.cert, p.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		p.t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(name+".pem", "CERTIFICATE", der)
	p.write(name+".key", "EC PRIVATE KEY", private)
	c, err = x509.ParseCertificate(der)
	if err != nil {
		p.t.Fatal(err)
	}
	return c, key
}

func (p *pki) write(name, kind string, der []byte) {
	p.t.Helper()
	if err := os.WriteFile(p.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// TLS with client certificates, everything that can be wrong with it, and
// files that are renewed.
func TestTLS(t *testing.T) {
	t.Parallel()
	good, bad := newPKI(t), newPKI(t)
	good.issue("server", []string{"etcd.example"}, []net.IP{net.IPv4(127, 0, 0, 1)})
	good.issue("client", nil, nil)
	bad.issue("client", nil, nil)
	s := startTLS(t, good)
	s.Put("/app/a", "1")
	right := backend.Config{CAKeys: good.file("ca.pem"), ClientCert: good.file("client.pem"), ClientKey: good.file("client.key"), DialTimeout: 2 * time.Second}
	for name, c := range map[string]struct {
		change func(c *backend.Config)
		node   string
		want   string // in the error; "" for none
	}{
		"all right":         {func(*backend.Config) {}, s.Endpoint, ""},
		"https":             {func(*backend.Config) {}, "https://" + s.Endpoint, ""},
		"name":              {func(c *backend.Config) { c.ServerName = "etcd.example" }, s.Endpoint, ""},
		"wrong name":        {func(c *backend.Config) { c.ServerName = "other.example" }, s.Endpoint, "not other.example"},
		"wrong CA":          {func(c *backend.Config) { c.CAKeys = bad.file("ca.pem") }, s.Endpoint, "unknown authority"},
		"unverified":        {func(c *backend.Config) { c.CAKeys, c.Insecure = "", true }, s.Endpoint, ""},
		"wrong client":      {func(c *backend.Config) { c.ClientCert, c.ClientKey = bad.file("client.pem"), bad.file("client.key") }, s.Endpoint, "certificate"},
		"no client":         {func(c *backend.Config) { c.ClientCert, c.ClientKey = "", "" }, s.Endpoint, "certificate"},
		"plain text to TLS": {func(c *backend.Config) {}, "http://" + s.Endpoint, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			config := right
			c.change(&config)
			b := openReal(t, config, c.node)
			_, err := b.List(t.Context(), []string{"/app"})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.Endpoint)):
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	t.Run("renewed", func(t *testing.T) {
		config := right
		config.ClientCert, config.ClientKey = bad.file("client.pem"), bad.file("client.key")
		m := newMirror(t, openReal(t, config, s.Endpoint), "/app").run()
		m.fails(soon)
		for _, f := range []string{"client.pem", "client.key"} {
			data, err := os.ReadFile(good.file(f))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(bad.file(f), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m.holds(soon, "/app/a", "1")
	})
	t.Run("unreadable", func(t *testing.T) {
		config := right
		config.CAKeys = good.file("absent.pem")
		if _, err := Open(config); err == nil || !strings.Contains(err.Error(), "absent.pem") {
			t.Errorf("error %v", err)
		}
		config.CAKeys = good.file("client.key")
		if _, err := Open(config); err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
			t.Errorf("error %v", err)
		}
	})
}

// startTLS starts a server that wants client certificates of p's CA.
func startTLS(t *testing.T, p *pki) *etcdtest.Server {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(p.file("client.pem"), p.file("client.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(p.cert)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}
	return etcdtest.StartTLS(t, config, "--cert-file", p.file("server.pem"), "--key-file", p.file("server.key"), "--client-cert-auth", "--trusted-ca-file", p.file("ca.pem"))
}

// as is a client that is logged in.
func as(t *testing.T, s *etcdtest.Server, user, password string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint}, Username: user, Password: password, DialTimeout: soon, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Users and roles: tokens that expire after 2 s, prefixes that are granted
// with and without their own key, a right that is taken away.
func TestUsers(t *testing.T) {
	t.Parallel()
	s := etcdtest.Start(t, "--auth-token-ttl", "2", "--bcrypt-cost", "4")
	s.Put("/app/a", "1", "/app", "self", "/web/a", "1", "/secret", "x")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, admin := t.Context(), s.Client()
	must(admin.UserAdd(ctx, "root", "root"))
	must(admin.UserGrantRole(ctx, "root", "root"))
	must(admin.RoleAdd(ctx, "reader"))
	must(admin.RoleGrantPermission(ctx, "reader", "/app/", clientv3.GetPrefixRangeEnd("/app/"), clientv3.PermissionType(clientv3.PermRead)))
	must(admin.RoleGrantPermission(ctx, "reader", "/web", "", clientv3.PermissionType(clientv3.PermRead)))
	must(admin.RoleGrantPermission(ctx, "reader", "/web/", clientv3.GetPrefixRangeEnd("/web/"), clientv3.PermissionType(clientv3.PermRead)))
	must(admin.UserAdd(ctx, "wconf", "hunter2"))
	must(admin.UserGrantRole(ctx, "wconf", "reader"))
	must(admin.AuthEnable(ctx))
	s.UseClient(as(t, s, "root", "root"))

	p := etcdtest.NewProxy(t, s.Endpoint)
	b := openReal(t, backend.Config{Username: "wconf", Password: "hunter2"}, p.Endpoint)
	m := newMirror(t, b, "/app", "/web").run()
	m.holds(soon, "/app/a", "1", "/web/a", "1")
	s.Txn(clientv3.OpPut("/app/a", "2"), clientv3.OpPut("/web", "self"), clientv3.OpPut("/secret", "y"))
	m.holds(soon, "/app/a", "2", "/web/a", "1", "/web", "self")

	at := m.stands()
	if count, other, err := b.survey(ctx, b.scope([]string{"/app", "/app/b", "/web"}), at, at.rev, true); count != 3 || other != "" || err != nil {
		t.Errorf("a survey counts %d, %q, %v", count, other, err)
	}

	for _, c := range []struct {
		config backend.Config
		prefix string
		want   string
	}{
		{backend.Config{Username: "wconf", Password: "hunter3"}, "/app", "user name or password"},
		{backend.Config{}, "/app", "wants a user name"},
		{backend.Config{Username: "wconf", Password: "hunter2"}, "/secret", "denies reading"},
		{backend.Config{Username: "wconf", Password: "hunter2"}, "/", "denies reading"},
	} {
		_, err := openReal(t, c.config, p.Endpoint).List(ctx, []string{c.prefix})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("List(%s): %v, want %q", c.prefix, err, c.want)
		}
	}

	refused, err := b.Refused(ctx, []string{"/app", "/secret", "/web", "/"})
	if _, listErr := b.List(ctx, []string{"/app", "/secret"}); err != nil || !slices.Equal(refused, []string{"/secret", "/"}) || !errors.Is(listErr, backend.ErrRefused) {
		t.Errorf("refused %q, %v; a list: %v", refused, err, listErr)
	}

	time.Sleep(4 * time.Second) // the token expires
	p.Cut()
	s.Put("/app/a", "3")
	m.holds(soon, "/app/a", "3", "/web/a", "1", "/web", "self")

	m.forget()
	must(s.Client().RoleRevokePermission(ctx, "reader", "/app/", clientv3.GetPrefixRangeEnd("/app/")))
	m.until("the right's end", 2*soon, func(m *mirror) bool {
		return len(m.errs) > 0 && strings.Contains(m.errs[len(m.errs)-1].Error(), "denies reading")
	})
	s.Put("/web/a", "2")
	m.holds(0, "/app/a", "3", "/web/a", "1", "/web", "self")
}
