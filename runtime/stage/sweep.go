//go:build unix

package stage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Sweep recovers the destination, then removes staged files of it that a killed
// wconf left: of exactly the staged name's shape, regular, with one name,
// belonging to wconf's user or to one that the target's files belong to, and
// locked by nobody.
func (d *Disk) Sweep(t Target) ([]string, error) {
	if _, err := d.Recover(t.Path); err != nil {
		return nil, err
	}
	p, err := d.find(t.Path)
	if errors.Is(err, errNoDirectory) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(t.Path, "sweep", err)
	}
	defer p.close()
	names, err := d.leftIn(p)
	if err != nil {
		return nil, failed(t.Path, "sweep", err)
	}
	removed, err := p.sweep(names, p.owners(t))
	return removed, failed(t.Path, "sweep", err)
}

// owners are the users that a left staged file can belong to.
func (p *place) owners(t Target) []int {
	users := []int{os.Geteuid()}
	if p.rights != nil {
		users = append(users, p.rights.uid)
	}
	if t.UID >= 0 {
		users = append(users, t.UID)
	}
	if at, err := statAt(p.fd(), p.base, unix.AT_SYMLINK_NOFOLLOW); err == nil && at.kind == unix.S_IFREG {
		users = append(users, at.uid)
	}
	return users
}

// leftIn is the names of the staged shape in a directory. Thousands of
// destinations can share one, and are swept one after the other: it is listed
// again only when something in it has come or gone.
func (d *Disk) leftIn(p *place) ([]string, error) {
	var st unix.Stat_t
	if err := again(func() error { return unix.Fstat(p.fd(), &st) }); err != nil {
		return nil, err
	}
	now := listing{uint64(st.Dev), st.Ino, st.Mtim.Nano(), nil}
	if known, ok := d.listed.Load(now.ino); ok && known.(listing).of(now) {
		return known.(listing).names, nil
	}
	all, err := p.names()
	if err != nil {
		return nil, err
	}
	now.names = slices.DeleteFunc(all, func(name string) bool {
		return len(name) <= stagedDigits+1 || !isStageName(name[1:len(name)-stagedDigits], name)
	})
	d.listed.Store(now.ino, now)
	return now.names, nil
}

// listing is what was found in a directory, and when it last changed then.
type listing struct {
	dev, ino uint64
	changed  int64
	names    []string
}

func (l listing) of(now listing) bool {
	return l.dev == now.dev && l.ino == now.ino && l.changed == now.changed
}

func (p *place) sweep(names []string, owners []int) (removed []string, err error) {
	for _, name := range names {
		if !isStageName(p.base, name) {
			continue
		}
		swept, err := p.sweepOne(name, owners)
		if err != nil {
			return removed, err
		}
		if swept {
			removed = append(removed, p.beside(name))
		}
	}
	return removed, nil
}

func (p *place) sweepOne(name string, owners []int) (bool, error) {
	at, err := statAt(p.fd(), name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || at.kind != unix.S_IFREG || at.links != 1 || !slices.Contains(owners, at.uid) {
		return false, nil
	}
	s, err := p.sibling(name)
	if err != nil {
		return false, nil
	}
	defer s.close()
	if unix.Flock(s.fd(), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false, nil // a living wconf's
	}
	if standsAt(p, name, at) != nil || !s.at.is(at) {
		return false, nil
	}
	err = unlink(p, name)
	return err == nil, err
}

// names lists the directory; it is empty when wconf may not read it.
func (p *place) names() ([]string, error) {
	fd, err := openAt(p.fd(), ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, unix.EACCES) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), filepath.Dir(p.path))
	defer dir.Close()
	return dir.Readdirnames(-1)
}
