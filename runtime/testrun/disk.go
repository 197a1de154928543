package testrun

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// disk is a file system in memory, with marks on its files. It makes the same
// comparisons as stage.Disk.
type disk struct {
	mu     sync.Mutex
	full   bool
	files  map[string]*fakeFile
	staged map[string]*staged // by the path that commands get
	number int
}

type fakeFile struct {
	content  []byte
	mode     fs.FileMode
	uid, gid int
	mark     string
}

var _ resource.Stager = (*disk)(nil)

func newDisk(seed map[string][]byte) *disk {
	d := &disk{files: map[string]*fakeFile{}, staged: map[string]*staged{}}
	for path, content := range seed {
		d.put(path, content)
	}
	return d
}

// put is a file that somebody else writes; its mode stays.
func (d *disk) put(path string, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path = filepath.Clean(path)
	now := fakeFile{mode: 0o644}
	if old := d.files[path]; old != nil {
		now = *old
	}
	now.content = content
	d.files[path] = &now
}

// remove tells whether there was a file.
func (d *disk) remove(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, stood := d.files[filepath.Clean(path)]
	delete(d.files, filepath.Clean(path))
	return stood
}

func (d *disk) file(path string) *fakeFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[filepath.Clean(path)]
}

func (d *disk) setFull(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

// waiting is the content that is staged at a path.
func (d *disk) waiting(path string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.staged[path]; s != nil {
		return s.content, true
	}
	return nil, false
}

// Stage implements stage.Stager.
func (d *disk) Stage(_ context.Context, t stage.Target, content []byte) (stage.Staged, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path := filepath.Clean(t.Path)
	s := &staged{disk: d, path: path, content: content, old: d.files[path]}
	s.now = fakeFile{content: content, mode: 0o644}
	if s.old != nil {
		s.now.mode, s.now.uid, s.now.gid = s.old.mode, s.old.uid, s.old.gid
	}
	if t.HasMode {
		s.now.mode = t.Mode
	}
	if t.UID >= 0 {
		s.now.uid = t.UID
	}
	if t.GID >= 0 {
		s.now.gid = t.GID
	}
	s.compare()
	if s.difference.None() {
		return s, nil
	}
	if d.full {
		return nil, noRoom(t.Path)
	}
	d.number++
	s.at = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s%020d", filepath.Base(path), d.number))
	d.staged[s.at] = s
	return s, nil
}

func noRoom(path string) error {
	return &problem.Problem{
		Code: problem.StageFailed, Msg: fmt.Sprintf("stage %s: write: %v", path, syscall.ENOSPC),
		Hint: "the disk is full; the old file stands", Err: syscall.ENOSPC,
	}
}

// Sweep implements stage.Stager: what a stopped run has staged goes.
func (d *disk) Sweep(stage.Target) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.staged)
	return nil, nil
}

// Read implements stage.Destinations.
func (d *disk) Read(path string) ([]byte, bool, error) {
	if f := d.file(path); f != nil {
		return f.content, true, nil
	}
	return nil, false, nil
}

// ReadMark implements stage.Destinations.
func (d *disk) ReadMark(path string) (string, bool, error) {
	f := d.file(path)
	return markOf(f), markOf(f) != "", nil
}

func markOf(f *fakeFile) string {
	if f == nil {
		return ""
	}
	return f.mark
}

// ClearMark implements stage.Destinations.
func (d *disk) ClearMark(path, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[filepath.Clean(path)]; f != nil && f.mark == value {
		now := *f
		now.mark = ""
		d.files[filepath.Clean(path)] = &now
	}
	return nil
}

// folder tells whether a file stands below path.
func (d *disk) folder(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for at := range d.files {
		if strings.HasPrefix(at, strings.TrimSuffix(filepath.Clean(path), "/")+"/") {
			return true
		}
	}
	return false
}
