package testrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// machine is what templates see beside keys: the fixture. A look-up in DNS
// finds nothing, and is told.
func (w *world) machine(c *clock, d *disk, told func(string)) funcs.World {
	none := func(what string) error {
		told(what + " found nothing: a test has no network; put it behind a key")
		return errors.New("a test has no network")
	}
	return funcs.World{
		Getenv:   func(name string) string { return w.file.Fixture.Env[name] },
		Now:      c.Now,
		Hostname: func() (string, error) { return w.labels()["host"], nil },
		Stat: func(path string) error {
			if d.file(path) == nil && !d.folder(path) {
				return fs.ErrNotExist
			}
			return nil
		},
		LookupIP: func(_ context.Context, host string) ([]net.IP, error) { return nil, none("looking up " + host) },
		LookupSRV: func(_ context.Context, service, proto, name string) ([]*net.SRV, error) {
			return nil, none(fmt.Sprintf("looking up _%s._%s.%s", service, proto, name))
		},
		InterfaceAddrs: func(name string) ([]net.Addr, error) { return nil, none("the interface " + name) },
	}
}
