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
	trials  map[*trial]struct{}
	ask     chan struct{}
}

func parseNodes(c backend.Config) (*nodes, error) {
	n := &nodes{record: c.SRVRecord, refused: map[string]error{}, trials: map[*trial]struct{}{}, ask: make(chan struct{}, 1)}
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

// String names the nodes.
func (n *nodes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return cmp.Or(strings.Join(n.found, ", "), n.record)
}
