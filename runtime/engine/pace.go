package engine

import "time"

// pace keeps resources whose keys change faster than they can be rendered and
// applied from taking all the time there is. After a run for a change that had
// to wait for the run before, or for the rest after it, a resource rests for
// twice as long as the run took, and for longer while all cores are at work.
// What comes meanwhile is taken together. A change that comes later waits for
// nothing.
type pace struct {
	began, rest      time.Time // of the last run, and when the rest after it ends
	hurried, crowded bool
}

const (
	restPerWork = 2
	longestRest = 50 * time.Millisecond
)

// begin notes that a run begins for a change that came at since; crowded says
// that all cores are at work.
func (p *pace) begin(now, since time.Time, crowded bool) {
	p.began, p.hurried, p.crowded = now, since.Before(p.rest), crowded
}

// end begins the rest after a run.
func (p *pace) end(now time.Time) {
	p.rest = now
	switch {
	case p.hurried && p.crowded:
		p.rest = now.Add(longestRest)
	case p.hurried:
		p.rest = now.Add(min(restPerWork*now.Sub(p.began), longestRest))
	}
}
