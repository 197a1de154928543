package etcd

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/resolver"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/problem"
)

const (
	defaultNode = "127.0.0.1:2379"
	defaultPort = "2379"
)

// nodes is where the cluster is: addresses from the configuration, or those
// that a DNS record names at the moment of connecting. It remembers why each
// could last not be connected to.
type nodes struct {
	fixed  []string // host:port
	record string   // _etcd._tcp.example.com, instead of fixed
	secure bool     // speak TLS
	lookup func(ctx context.Context, record string) ([]*net.SRV, error)

	mu      sync.Mutex
	found   []string
	refused map[string]error
}

func parseNodes(c backend.Config) (*nodes, error) {
	n := &nodes{record: c.SRVRecord, refused: map[string]error{}}
	n.lookup = func(ctx context.Context, record string) ([]*net.SRV, error) {
		_, srv, err := net.DefaultResolver.LookupSRV(ctx, "", "", record)
		return srv, err
	}
	if n.record == "" && c.SRVDomain != "" {
		n.record = "_etcd._tcp." + c.SRVDomain
	}
	tls := c.Scheme == "https" || c.CAKeys != "" || c.ClientCert != ""
	if n.record != "" {
		n.secure = tls
		return n, nil
	}
	addresses := c.Nodes
	if len(addresses) == 0 {
		addresses = []string{defaultNode}
	}
	for i, a := range addresses {
		address, secure, err := parseNode(a, tls)
		if err != nil {
			return nil, err
		}
		if i > 0 && secure != n.secure {
			return nil, configProblem("nodes mix http and https", "give all of them one scheme")
		}
		n.fixed, n.secure = append(n.fixed, address), secure
	}
	slices.Sort(n.fixed)
	n.fixed = slices.Compact(n.fixed)
	n.found = n.fixed
	return n, nil
}

// parseNode takes a URL or host:port apart. A port that is missing is 2379.
func parseNode(node string, tls bool) (address string, secure bool, err error) {
	bad := func(why string) error {
		return configProblem(fmt.Sprintf("node %q: %s", redacted(node), why), "write http://host:2379, https://host:2379 or host:2379")
	}
	host, secure := strings.TrimSpace(node), tls
	if strings.Contains(host, "://") {
		u, err := url.Parse(host)
		switch {
		case err != nil:
			return "", false, bad("not a URL")
		case u.Scheme != "http" && u.Scheme != "https":
			return "", false, bad("the scheme is neither http nor https")
		case u.User != nil:
			return "", false, bad("a user name and password belong into username and password")
		case u.Path != "" && u.Path != "/" || u.RawQuery != "":
			return "", false, bad("etcd 3 has no path")
		}
		host, secure = u.Host, u.Scheme == "https"
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), defaultPort
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 || name == "" || strings.ContainsAny(name, "/ @") {
		return "", false, bad("not host:port")
	}
	return net.JoinHostPort(name, port), secure, nil
}

// redacted hides the password of a node that was written as a URL with one.
func redacted(node string) string {
	if i := strings.LastIndexByte(node, '@'); i >= 0 {
		return "…" + node[i:]
	}
	return node
}

func configProblem(msg, hint string) error {
	return &problem.Problem{Code: problem.Config, Msg: msg, Hint: hint}
}

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

// note remembers the outcome of connecting to an address.
func (n *nodes) note(address string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		delete(n.refused, address)
		return
	}
	n.refused[address] = err
}

// complaint says for each address why it could not be connected to; "" when
// none of them failed.
func (n *nodes) complaint() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var said []string
	for _, a := range n.found {
		if err := n.refused[a]; err != nil {
			said = append(said, err.Error())
		}
	}
	return strings.Join(said, "; ")
}

// String names the nodes.
func (n *nodes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return cmp.Or(strings.Join(n.found, ", "), n.record)
}

// Scheme, Build, ResolveNow and Close make nodes the resolver of a connection.
// gRPC asks again whenever a connection breaks, so that a changed record or
// address is found.
func (n *nodes) Scheme() string { return "etcd" }

func (n *nodes) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	ctx, stop := context.WithCancel(context.Background())
	r := &resolving{nodes: n, cc: cc, stop: stop, again: make(chan struct{}, 1)}
	r.ResolveNow(resolver.ResolveNowOptions{})
	r.done.Go(func() { r.run(ctx) })
	return r, nil
}

// resolving keeps one connection's addresses.
type resolving struct {
	nodes *nodes
	cc    resolver.ClientConn
	stop  context.CancelFunc
	again chan struct{}
	done  sync.WaitGroup
}

func (r *resolving) ResolveNow(resolver.ResolveNowOptions) {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

func (r *resolving) Close() {
	r.stop()
	r.done.Wait()
}

// run answers ResolveNow, a DNS record at most once a second.
func (r *resolving) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.again:
		}
		r.update(ctx)
		if r.nodes.record == "" {
			return // what is written in the configuration stays
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (r *resolving) update(ctx context.Context) {
	found, err := r.nodes.resolve(ctx)
	if err != nil {
		r.cc.ReportError(err)
		return
	}
	var s resolver.State
	for _, a := range found {
		s.Endpoints = append(s.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: a, ServerName: a}}})
	}
	_ = r.cc.UpdateState(s) // an error means that gRPC will ask again
}
