// Package stage puts bytes where a service reads them, all at once or not at
// all.
//
// It promises: whoever opens a destination reads one complete content, the old
// or the new, with its final owner, mode, access list and label; also after a
// kill, a full disk and a power cut. A destination that already is as wanted
// is not touched. Everything goes through descriptors, so that the owner of a
// directory cannot lead a wconf that runs as root to any other file.
//
// It never creates directories, never runs commands, never logs contents. The
// one exception to "all at once" is a destination that is itself a mount point
// (a bind-mounted file): it can only be written in place, and Swapped says so.
package stage

import (
	"context"
	"errors"
	"io/fs"
)

// Target says where content goes and what the file there shall be like.
type Target struct {
	Path     string      // as in the configuration; relative to the working directory
	Mode     fs.FileMode // counts when HasMode; fs.ModeSetuid and its kin included
	HasMode  bool        // else the mode of the standing file, else 0644
	UID, GID int         // -1, or where wconf has no right to set it: that of the standing file, else wconf's own

	KeepStage bool // leave a copy named "." + base name + ten digits, as -keep-stage-file asks
	Strict    bool // refuse what is otherwise one warning: parents that others can write, unsafe links, owners
}

// Stager writes content beside its destination and leaves the destination as
// it is. Disk is the real one, Dry only compares.
type Stager interface {
	// Stage compares content with what stands at the target. Where nothing
	// differs no file is made. Content must not change until the Staged ends.
	Stage(ctx context.Context, t Target, content []byte) (Staged, error)
	// Sweep mends what a killed wconf left at the target: it does what Recover
	// does, then removes staged files that no living wconf holds. It returns
	// the paths that it removed.
	Sweep(t Target) ([]string, error)
}

// Destinations reads what stands at a destination, and its marks: the debts
// that Staged.Mark wrote. Disk and Dry are Destinations.
type Destinations interface {
	// Read is the content at path. It is false when nothing stands there.
	Read(path string) ([]byte, bool, error)
	// ReadMark is the value that Staged.Mark left on the file at path.
	ReadMark(path string) (string, bool, error)
	// ClearMark takes the mark away if it still has that value.
	ClearMark(path, value string) error
}

// Staged is content that waits beside its destination. Swap or Discard ends
// it; until then it holds a lock that keeps the sweep of others away.
type Staged interface {
	// Path is the staged file, for commands; the destination itself when
	// nothing differs.
	Path() string
	// Old is the content that stood at the destination, and whether one did.
	Old() ([]byte, bool)
	// Difference says what is not yet as wanted.
	Difference() Difference
	// Verify reads the staged file again and fails when it is not what was
	// staged, for use after a foreign command had its path.
	Verify() error
	// Mark writes a debt on the staged file, so that Swap commits file and debt
	// in one step. ErrNoMarks where the file system cannot.
	Mark(value string) error
	// CheckInPlace lets check see the new content at the destination itself,
	// for checks that read nothing else, and puts the old back. A wconf that
	// dies meanwhile leaves a mark by which Sweep puts the old back.
	CheckInPlace(check func() error) error
	// Swap verifies, makes durable, and moves the content to its destination.
	Swap() (Swapped, error)
	// Discard removes the staged file. After Swap it does nothing.
	Discard() error
}

// Difference is what is not as wanted at a destination.
type Difference struct {
	Missing bool // nothing stands there
	Content bool
	Mode    bool
	Owner   bool // uid or gid
	Link    bool // a link stands there that cannot be followed safely and will be replaced
}

// None says that the destination is as wanted.
func (d Difference) None() bool { return d == Difference{} }

// Swapped says how content came to its destination.
type Swapped struct {
	Path    string // the file itself, links followed
	InPlace bool   // written in place, for the destination is a mount point: readers may have seen a mix
}

var (
	// ErrNoMarks means that the file system keeps no extended attributes.
	ErrNoMarks = errors.New("the file system keeps no marks")
	// ErrSwapped means that somebody exchanged a file under wconf's hands.
	ErrSwapped = errors.New("another process exchanged the file")
	// ErrTouched means that the staged file is not what was staged.
	ErrTouched = errors.New("the staged file was changed")
	// ErrDry means that a dry stager was asked to change something.
	ErrDry = errors.New("a dry run changes nothing")
)
