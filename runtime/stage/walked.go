//go:build unix

package stage

import (
	"path/filepath"
	"time"
)

// walked is a directory to which a path led a moment ago, and how the way there
// was judged.
type walked struct {
	at     attributes
	unsafe string
	rights *rights
	when   time.Time
}

// walkedFor is how long that judgement of the way stands. Whoever uses the way
// to lead elsewhere is found out at once all the same: the directory is another
// one then.
const walkedFor = time.Second

// find is where path leads. Thousands of destinations share a directory, and
// each is looked for several times: a way without links that was walked a
// moment ago is not judged again as long as it leads to the same directory,
// with the same owner and mode.
func (d *Disk) find(path string) (*place, error) {
	if p := d.findAgain(path); p != nil {
		return p.end()
	}
	p, links, err := walkTo(path)
	if err != nil {
		return nil, err
	}
	if links == 0 && filepath.IsAbs(path) {
		dir, _ := filepath.Split(path)
		d.walked.Store(dir, walked{p.at, p.unsafe, p.rights, time.Now()})
	}
	return p.end()
}

func (d *Disk) findAgain(path string) *place {
	dir, base := filepath.Split(path)
	before, ok := d.walked.Load(dir)
	if !ok || !names(base) {
		return nil
	}
	way := before.(walked)
	if time.Since(way.when) > walkedFor {
		return nil
	}
	fd, err := openWithoutLinks(dir)
	if err != nil {
		return nil
	}
	p := &place{dir: handle(fd), base: base, path: path, unsafe: way.unsafe, rights: way.rights}
	if p.at, err = statOf(fd); err != nil || !p.at.is(way.at) || p.at.mode != way.at.mode || p.at.uid != way.at.uid || p.at.gid != way.at.gid {
		p.close()
		return nil
	}
	return p
}
