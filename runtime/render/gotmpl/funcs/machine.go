package funcs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// World is how functions look at what is no key. A nil field is the machine
// itself; tests put fakes there.
type World struct {
	Getenv         func(name string) string
	Now            func() time.Time
	Hostname       func() (string, error)
	Stat           func(path string) error // nil, fs.ErrNotExist, or what else went wrong
	LookupIP       func(ctx context.Context, host string) ([]net.IP, error)
	LookupSRV      func(ctx context.Context, service, proto, name string) ([]*net.SRV, error)
	InterfaceAddrs func(name string) ([]net.Addr, error)
}

var machine = []Function{{
	Name: "getenv", Usage: "getenv NAME [DEFAULT]", Since: confd, World: true,
	Doc: "An environment variable of wconf. The default stands in for one that is unset or empty.",
	Code: func(r *Run) any {
		return func(name string, fallback ...string) string {
			r.keys.NoteWorld("getenv")
			v := r.world.Getenv(name)
			if v == "" && len(fallback) > 0 {
				return fallback[0]
			}
			return v
		}
	},
	Examples: []Example{{Template: `{{getenv "REGION"}} {{getenv "UNSET" "none"}}`, Output: "eu none"}},
}, {
	Name: "hostname", Usage: "hostname", Since: fork, World: true,
	Doc: "The name of this host.",
	Code: func(r *Run) any {
		return func() (string, error) {
			r.keys.NoteWorld("hostname")
			return r.world.Hostname()
		}
	},
	Examples: []Example{{Template: `{{hostname}}`, Output: "web-1"}},
}, {
	Name: "datetime", Usage: "datetime", Since: confd, World: true,
	Doc: "The present time, a Go [time.Time](https://pkg.go.dev/time#Time) with its methods. A file that holds it changes at each render.",
	Code: func(r *Run) any {
		return func() time.Time {
			r.keys.NoteWorld("datetime")
			return r.world.Now()
		}
	},
	Examples: []Example{{Template: `{{(datetime).Format "2006-01-02"}} {{(datetime).Year}}`, Output: "2026-01-01 2026"}},
}, {
	Name: "fileExists", Usage: "fileExists PATH", Since: confd, World: true,
	Doc: "Whether a file or directory is there. A relative path starts at wconf's working directory.",
	Code: func(r *Run) any {
		return func(path string) bool {
			r.keys.NoteWorld("fileExists")
			return !errors.Is(r.world.Stat(path), fs.ErrNotExist)
		}
	},
	Examples: []Example{{Template: `{{fileExists "/etc/ssl/shop.pem"}} {{fileExists "/nope"}}`, Output: "true false"}},
}, {
	Name: "lookupIP", Usage: "lookupIP HOST", Since: confd, World: true,
	Doc:      "The addresses of a host, sorted as text; none when the look-up fails.",
	Code:     func(r *Run) any { return func(host string) []string { return r.lookupIP("lookupIP", host, "") } },
	Examples: []Example{{Template: `{{lookupIP "db.example"}}`, Output: "[10.0.0.7 fd00::7]"}},
}, {
	Name: "lookupIPV4", Usage: "lookupIPV4 HOST", Since: confd, World: true,
	Doc:      "The IPv4 addresses of a host.",
	Code:     func(r *Run) any { return func(host string) []string { return r.lookupIP("lookupIPV4", host, ".") } },
	Examples: []Example{{Template: `{{lookupIPV4 "db.example"}}`, Output: "[10.0.0.7]"}},
}, {
	Name: "lookupIPV6", Usage: "lookupIPV6 HOST", Since: confd, World: true,
	Doc:      "The IPv6 addresses of a host.",
	Code:     func(r *Run) any { return func(host string) []string { return r.lookupIP("lookupIPV6", host, ":") } },
	Examples: []Example{{Template: `{{lookupIPV6 "db.example"}}`, Output: "[fd00::7]"}},
}, {
	Name: "lookupSRV", Usage: "lookupSRV SERVICE PROTOCOL NAME", Since: confd, World: true,
	Doc:      "The SRV records of a name, each with `.Target`, `.Port`, `.Priority` and `.Weight`, sorted by these as text; none when the look-up fails.",
	Code:     func(r *Run) any { return r.lookupSRV },
	Examples: []Example{{Template: `{{range lookupSRV "ldap" "tcp" "example"}}{{.Target}}:{{.Port}} {{end}}`, Output: "a.example.:389 b.example.:389 "}},
}, {
	Name: "lookupIfaceIPV4", Usage: "lookupIfaceIPV4 INTERFACE", Since: fork, World: true,
	Doc: "The first IPv4 address of a network interface, or nothing.",
	Code: func(r *Run) any {
		return func(name string) string { return r.interfaceIP("lookupIfaceIPV4", name, true) }
	},
	Examples: []Example{{Template: `{{lookupIfaceIPV4 "eth0"}} [{{lookupIfaceIPV4 "nope0"}}]`, Output: "10.0.0.7 []"}},
}, {
	Name: "lookupIfaceIPV6", Usage: "lookupIfaceIPV6 INTERFACE", Since: fork, World: true,
	Doc: "The first IPv6 address of a network interface, or nothing.",
	Code: func(r *Run) any {
		return func(name string) string { return r.interfaceIP("lookupIfaceIPV6", name, false) }
	},
	Examples: []Example{{Template: `{{lookupIfaceIPV6 "eth0"}}`, Output: "fd00::7"}},
}}

// orReal is w with the machine's own ways where a field is nil.
func (w World) orReal() World {
	if w.Getenv == nil {
		w.Getenv = os.Getenv
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Hostname == nil {
		w.Hostname = os.Hostname
	}
	if w.Stat == nil {
		w.Stat = func(path string) error { _, err := os.Stat(path); return err }
	}
	if w.LookupIP == nil {
		w.LookupIP = lookupIP
	}
	if w.LookupSRV == nil {
		w.LookupSRV = lookupSRV
	}
	if w.InterfaceAddrs == nil {
		w.InterfaceAddrs = interfaceAddrs
	}
	return w
}

func lookupIP(ctx context.Context, host string) ([]net.IP, error) {
	return net.DefaultResolver.LookupIP(ctx, "ip", host)
}

func lookupSRV(ctx context.Context, service, proto, name string) ([]*net.SRV, error) {
	_, records, err := net.DefaultResolver.LookupSRV(ctx, service, proto, name)
	return records, err
}

func interfaceAddrs(name string) ([]net.Addr, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	return i.Addrs()
}

// lookupIP finds the addresses that have a sign of their family in them.
func (r *Run) lookupIP(function, host, sign string) []string {
	r.keys.NoteWorld(function)
	ips, err := r.world.LookupIP(r.ctx, host)
	if err != nil {
		return nil
	}
	var found []string
	for _, ip := range ips {
		if s := ip.String(); strings.Contains(s, sign) {
			found = append(found, s)
		}
	}
	slices.Sort(found)
	return found
}

func (r *Run) lookupSRV(service, proto, name string) []*net.SRV {
	r.keys.NoteWorld("lookupSRV")
	records, err := r.world.LookupSRV(r.ctx, service, proto, name)
	if err != nil {
		return []*net.SRV{}
	}
	text := func(s *net.SRV) string { return fmt.Sprintf("%s%d%d%d", s.Target, s.Port, s.Priority, s.Weight) }
	records = slices.Clone(records)
	slices.SortFunc(records, func(a, b *net.SRV) int { return cmp.Compare(text(a), text(b)) })
	return records
}

func (r *Run) interfaceIP(function, name string, v4 bool) string {
	r.keys.NoteWorld(function)
	addrs, err := r.world.InterfaceAddrs(name)
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && (n.IP.To4() != nil) == v4 {
			return n.IP.String()
		}
	}
	return ""
}
