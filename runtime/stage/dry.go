//go:build unix

package stage

import "context"

// Dry is the Stager of -noop: it compares as Disk does and changes nothing.
// The one file that it may make is the copy that Target.KeepStage asks for, as
// confd's -noop -keep-stage-file does.
type Dry struct {
	Disk *Disk // for its warnings; nil: none
}

var _ interface {
	Stager
	Destinations
} = Dry{}

// Stage compares content with what stands at t.Path.
func (d Dry) Stage(ctx context.Context, t Target, content []byte) (Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed(t.Path, "begin", err)
	}
	c, err := d.disk().compare(t, content)
	if err != nil {
		return nil, failed(t.Path, "compare", err)
	}
	defer c.close()
	if t.KeepStage {
		if err := d.disk().keep(c, content); err != nil {
			return nil, failed(t.Path, "keep a copy", err)
		}
	}
	s := &dry{path: c.place.path, difference: c.difference}
	if c.old != nil {
		s.old, s.stood = c.old.held, true
	}
	return s, nil
}

// Sweep does nothing.
func (Dry) Sweep(Target) ([]string, error) { return nil, nil }

// Read is the content at path.
func (d Dry) Read(path string) ([]byte, bool, error) { return d.disk().Read(path) }

// ReadMark is the debt on the file at path.
func (d Dry) ReadMark(path string) (string, bool, error) { return d.disk().ReadMark(path) }

// ClearMark is refused with ErrDry.
func (Dry) ClearMark(path, _ string) error { return failed(path, "clear the mark", ErrDry) }

func (d Dry) disk() *Disk {
	if d.Disk == nil {
		return &Disk{}
	}
	return d.Disk
}

// dry is a Staged that was only compared.
type dry struct {
	path       string
	difference Difference
	old        []byte
	stood      bool
}

func (s *dry) Path() string           { return s.path }
func (s *dry) Old() ([]byte, bool)    { return s.old, s.stood }
func (s *dry) Difference() Difference { return s.difference }
func (s *dry) Verify() error          { return nil }
func (s *dry) Discard() error         { return nil }
func (s *dry) Mark(string) error      { return failed(s.path, "mark", ErrDry) }
func (s *dry) Swap() (Swapped, error) { return Swapped{}, failed(s.path, "swap", ErrDry) }
func (s *dry) CheckInPlace(func() error) error {
	return failed(s.path, "check in place", ErrDry)
}
