package runtime

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/stage"
)

// target is where a resource's file stands, and what it is to be there.
func (rt *Runtime) target(b *built) stage.Target {
	c := b.config
	t := stage.Target{Path: c.Dest, Mode: c.Mode, HasMode: c.HasMode, UID: c.UID, GID: c.GID, KeepStage: rt.opt.Daemon.KeepStageFile, Strict: c.Strict || rt.opt.Daemon.Strict}
	if c.UID < 0 && c.Owner != "" {
		t.UID = b.lookup("owner", c.Owner, os.Geteuid(), func(name string) (string, error) {
			u, err := user.Lookup(name)
			if err != nil {
				return "", err
			}
			return u.Uid, nil
		})
	}
	if c.GID < 0 && c.Group != "" {
		t.GID = b.lookup("group", c.Group, os.Getegid(), func(name string) (string, error) {
			g, err := user.LookupGroup(name)
			if err != nil {
				return "", err
			}
			return g.Gid, nil
		})
	}
	// As in confd, who names one of the two means wconf's own by the other.
	switch {
	case t.UID >= 0 && t.GID < 0:
		t.GID = os.Getegid()
	case t.GID >= 0 && t.UID < 0:
		t.UID = os.Geteuid()
	}
	return t
}

// lookup is the number of a user or group. An unknown name is a warning, and
// the file gets wconf's own.
func (b *built) lookup(field, name string, own int, find func(string) (string, error)) int {
	id, err := find(name)
	if err == nil {
		if n, err := strconv.Atoi(id); err == nil {
			return n
		}
	}
	if n, err := strconv.Atoi(name); err == nil {
		return n
	}
	b.warnings = append(b.warnings, b.config.Problem(problem.Config, fmt.Sprintf("unknown %s %q; the file gets wconf's own (%d)", field, name, own), "", field))
	return own
}
