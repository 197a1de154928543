//go:build unix

package stage

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// refusal is what of an owner that the configuration names wconf may not set.
// Such a part counts as not named: the file gets the owner that it gets, as with
// confd, and no later comparison takes that for a difference.
type refusal struct{ uid, gid bool }

func (r refusal) any() bool { return r.uid || r.gid }

// errRefused is the kernel's refusal of an owner that the configuration names.
type errRefused struct {
	refusal
	error
}

func (e *errRefused) Unwrap() error { return e.error }

// refusalOf says which part of the owner that c's target names the kernel is
// certain to refuse, or has refused there before.
func (d *Disk) refusalOf(c *comparison) (r refusal) {
	t := c.target
	if t.UID < 0 && t.GID < 0 {
		return r
	}
	if before, ok := d.refused.Load(asked{t.Path, t.UID, t.GID}); ok {
		r = before.(refusal)
	}
	// What stands there stays the same file only where it is written in place:
	// there it is its present owner that counts.
	at := attributes{uid: os.Geteuid(), gid: os.Getegid()}
	if c.inPlace {
		at = c.old.at
	}
	r.uid = r.uid || t.UID >= 0 && t.UID != at.uid && !mayChown()
	r.gid = r.gid || t.GID >= 0 && t.GID != at.gid && !mayChown() && (at.uid != os.Geteuid() || !inGroup(t.GID))
	return r
}

// asked is an owner that the configuration names for a path.
type asked struct {
	path     string
	uid, gid int
}

// accept says whether err is a refusal of the kernel that is to be lived with. It
// then counts for all that comes.
func (d *Disk) accept(t Target, err error) bool {
	var no *errRefused
	if t.Strict || !errors.As(err, &no) {
		return false
	}
	key := asked{t.Path, t.UID, t.GID}
	before, _ := d.refused.Load(key)
	r, _ := before.(refusal)
	d.refused.Store(key, refusal{r.uid || no.uid, r.gid || no.gid})
	return true
}

// warnOwner says once that a target does not have the owner that it names.
func (d *Disk) warnOwner(t Target) {
	d.warn(t.Path, "the owner could not be set", "wconf has no right to give a file to "+ownerOf(t))
}

// ownerOf is the owner that t names, as chown writes it.
func ownerOf(t Target) string {
	switch {
	case t.GID < 0:
		return fmt.Sprint(t.UID)
	case t.UID < 0:
		return fmt.Sprintf(":%d", t.GID)
	}
	return fmt.Sprintf("%d:%d", t.UID, t.GID)
}

func inGroup(gid int) bool {
	groups, err := os.Getgroups()
	return gid == os.Getegid() || err == nil && slices.Contains(groups, gid)
}

// concede takes as not named what is refused of the target's owner. Where strict
// is set, nothing is.
func (c *comparison) concede(r refusal) {
	t := c.target
	c.refusal = r
	if t.Strict {
		c.want = t.wanted(c.old)
		return
	}
	if r.uid {
		t.UID = -1
	}
	if r.gid {
		t.GID = -1
	}
	c.want = t.wanted(c.old)
	if c.foreign(c.want.uid, c.want.gid) {
		c.want.mode &^= setID
		if c.old != nil { // what stands there is not replaced for these alone
			c.want.mode |= c.old.at.mode & setID
		}
	}
}

// foreign says whether a file of uid and gid is not what the target asks for,
// and cannot be.
func (c *comparison) foreign(uid, gid int) bool {
	return c.refusal.uid && uid != c.target.UID || c.refusal.gid && gid != c.target.GID
}

// setID bits are meant for the owner that was asked for; a file that gets
// another does not get them.
const setID = unix.S_ISUID | unix.S_ISGID

// checkOwner says once that the owner cannot be what the target asks for, or
// refuses what would have to be written with another.
func (d *Disk) checkOwner(c *comparison) error {
	t, uid, gid := c.target, os.Geteuid(), os.Getegid()
	if c.old != nil && (c.inPlace || !t.Strict) { // a file that is replaced may stay as it is
		uid, gid = c.old.at.uid, c.old.at.gid
	}
	switch {
	case !c.foreign(uid, gid):
	case !t.Strict:
		d.warnOwner(t)
	case !c.difference.None():
		return refused(t.Path, "wconf has no right to give it to its owner, "+ownerOf(t))
	}
	return nil
}

// own gives the staged file to its owner. An ordinary user cannot keep the owner
// of another user's file: the new one is its own then.
func (f *file) own() error {
	want := f.want
	if f.passing() {
		want.uidSaid, want.gidSaid = false, false
	}
	lost, err := want.give(f.fd(), f.at)
	if err != nil || f.passing() {
		return err
	}
	if f.refusal.any() {
		if f.at, err = statOf(f.fd()); err != nil {
			return err
		}
	}
	switch {
	case f.foreign(f.at.uid, f.at.gid):
		f.disk.warnOwner(f.target)
	case lost != nil:
		f.disk.warn(f.place.path, "the owner could not be kept", lost.Error())
	}
	return nil
}

// passing says that this file will not stand at the destination itself.
func (f *file) passing() bool { return f.inPlace || f.copied }

// give makes the open file, whose attributes are at, its owner's. What nobody
// asked for is only tried: lost says why that failed.
func (w wanted) give(fd int, at attributes) (lost, err error) {
	chown := func(uid, gid int, said bool) error {
		cause := unix.Fchown(fd, uid, gid)
		if cause == nil {
			return nil
		}
		cause = fmt.Errorf("chown %d:%d: %w", w.uid, w.gid, cause)
		switch {
		case !said:
			lost = cause
			return nil
		case mayNot(cause):
			return &errRefused{refusal{uid: uid >= 0, gid: gid >= 0}, cause}
		}
		return cause
	}
	if w.gid != at.gid {
		err = chown(-1, w.gid, w.gidSaid)
	}
	if w.uid != at.uid && err == nil {
		err = chown(w.uid, -1, w.uidSaid)
	}
	return lost, err
}

// mayNot tells a refusal that will last, as that of a user whom the namespace
// does not know, from a failure.
func mayNot(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)
}
