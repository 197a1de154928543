package rancher

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/backend"
)

const defaultNode = "rancher-metadata"

// nodes is where the server may be: one is asked, the next one after a failure.
type nodes struct {
	scheme string
	record string // SRV, in place of a list; looked up anew after a failure
	lookup func(ctx context.Context, record string) ([]string, error)

	mu  sync.Mutex
	all []*url.URL
	at  int
}

func newNodes(c backend.Config) (*nodes, error) {
	n := &nodes{scheme: cmp.Or(c.Scheme, "http"), record: c.SRVRecord, lookup: lookupSRV}
	if n.record == "" && c.SRVDomain != "" {
		n.record = "_rancher._tcp." + strings.TrimSuffix(c.SRVDomain, ".") + "."
	}
	if n.record != "" {
		return n, nil
	}
	list := c.Nodes
	if len(list) == 0 {
		list = []string{defaultNode}
	}
	return n, n.set(list)
}

func (n *nodes) set(list []string) error {
	all := make([]*url.URL, len(list))
	for i, node := range list {
		if !strings.Contains(node, "://") {
			node = n.scheme + "://" + node
		}
		u, err := url.Parse(node)
		if err != nil {
			return fmt.Errorf("node %q: %w", list[i], err)
		}
		if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
			return fmt.Errorf("node %q: want host, host:port or an http:// URL", list[i])
		}
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), ""
		all[i] = u
	}
	n.all, n.at = all, 0
	return nil
}

// current is the node to ask.
func (n *nodes) current(ctx context.Context) (*url.URL, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.all) == 0 {
		list, err := n.lookup(ctx, n.record)
		if err == nil {
			err = n.set(list)
		}
		if err != nil {
			return nil, fmt.Errorf("look up nodes by SRV record %s: %w", n.record, err)
		}
	}
	return n.all[n.at], nil
}

// failed has another node asked next time, if it was this one that failed.
func (n *nodes) failed(node *url.URL) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.all) == 0 || n.all[n.at] != node {
		return
	}
	n.at = (n.at + 1) % len(n.all)
	if n.record != "" && n.at == 0 {
		n.all = nil
	}
}

func lookupSRV(ctx context.Context, record string) ([]string, error) {
	_, found, err := net.DefaultResolver.LookupSRV(ctx, "", "", record)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("it names no node")
	}
	list := make([]string, len(found))
	for i, s := range found {
		list[i] = net.JoinHostPort(strings.TrimSuffix(s.Target, "."), fmt.Sprint(s.Port))
	}
	return list, nil
}
