//go:build unix

package stage

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sys/unix"
)

// Disk is the Stager of real files. The zero value works; a Disk may be used
// from several goroutines as long as each destination is in one hand at a time.
type Disk struct {
	NoSync bool         // do not wait for the disk: faster, and a power cut may undo or empty a file
	Log    *slog.Logger // warnings, each once per path; nil: none

	warned sync.Map // path and reason
	listed sync.Map // inode of a directory → listing
	walked sync.Map // path of a directory → walked

	refused sync.Map // asked → refusal
}

var _ interface {
	Stager
	Destinations
} = (*Disk)(nil)

// Stage compares content with what stands at t.Path, and where they differ
// writes it beside: reserved, owned, labelled, with its final mode.
func (d *Disk) Stage(ctx context.Context, t Target, content []byte) (Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed(t.Path, "begin", err)
	}
	s, err := d.stage(t, content)
	for d.accept(t, err) { // it counts now: at most once for the user and once for the group
		s, err = d.stage(t, content)
	}
	return s, err
}

func (d *Disk) stage(t Target, content []byte) (Staged, error) {
	c, err := d.compare(t, content)
	if err != nil {
		return nil, failed(t.Path, "compare", err)
	}
	if t.KeepStage {
		if err := d.keep(c, content); err != nil {
			c.close()
			return nil, failed(t.Path, "keep a copy", err)
		}
	}
	if c.difference.None() {
		c.close()
		return &insync{path: c.place.path, content: content}, nil
	}
	f, err := d.write(c, content)
	if err != nil {
		c.close()
		return nil, failed(t.Path, "write", err)
	}
	return f, nil
}

// comparison is what was found at a destination.
type comparison struct {
	target     Target
	place      *place
	old        *standing // nil when nothing that counts stands there
	inPlace    bool      // the destination is a mount point
	want       wanted
	refusal    refusal // what of the target's owner is not in want
	difference Difference
}

func (c *comparison) close() {
	c.old.close()
	c.place.close()
}

func (d *Disk) compare(t Target, content []byte) (*comparison, error) {
	p, err := d.find(t.Path)
	if err != nil {
		return nil, err
	}
	c := &comparison{target: t, place: p}
	if err = d.judge(p, t); err == nil {
		err = c.look(d, content)
	}
	if err == nil {
		err = d.checkOwner(c)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// look fills in what differs. A link that is not followed counts as nothing,
// unless all that it leads to is as wanted.
func (c *comparison) look(d *Disk, content []byte) (err error) {
	if c.place.link != "" {
		c.old = c.place.behindLink()
	} else if c.old, err = c.place.standing(); err != nil {
		return err
	}
	c.inPlace = c.place.link == "" && c.old != nil && mountPoint(c.place.fd(), c.old.fd())
	c.concede(d.refusalOf(c))
	if c.old == nil {
		c.difference = Difference{Missing: true, Content: true, Link: c.place.link != ""}
		return nil
	}
	same, err := c.old.holds(content)
	if err != nil {
		return err
	}
	at := c.old.at
	c.difference = Difference{
		Content: !same,
		Mode:    at.mode != c.want.mode,
		Owner:   at.uid != c.want.uid || at.gid != c.want.gid,
	}
	if c.place.link != "" && !c.difference.None() {
		c.difference.Link = true
		c.old.close()
		c.old = nil
		return nil
	}
	if c.difference.None() {
		return nil
	}
	_, err = c.old.read()
	return err
}

// judge says once what is unsafe about a place, or refuses it.
func (d *Disk) judge(p *place, t Target) error {
	switch {
	case p.unsafe != "" && t.Strict:
		return refused(t.Path, "others can change where it is: "+p.unsafe)
	case p.link != "" && t.Strict:
		return refused(t.Path, "it is a link that is not followed: "+p.link)
	}
	if p.unsafe != "" {
		d.warn(t.Path, "others can change where the destination is", p.unsafe)
	}
	if p.link != "" {
		d.warn(t.Path, "the destination is a link that is not followed but replaced", p.link)
	}
	return nil
}

func (d *Disk) warn(path, message, why string) {
	if d.Log == nil {
		return
	}
	if _, again := d.warned.LoadOrStore(path+"\x00"+message+why, true); !again {
		d.Log.Warn(message, "dest", path, "why", why)
	}
}

// sync waits until a file or directory is on disk. A directory that wconf may
// not read cannot be waited for.
func (d *Disk) sync(fd int) error {
	if d.NoSync {
		return nil
	}
	err := again(func() error { return unix.Fsync(fd) })
	if err == unix.EBADF || err == unix.EINVAL { // opened for its path alone; or a file system without
		return nil
	}
	return err
}
