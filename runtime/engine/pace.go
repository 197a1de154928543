package engine

import "time"

// pace keeps resources whose keys change faster than they can be rendered and
// applied from taking all the time there is. After a run for a change that had
// to wait for the run before, or for the rest after it, a resource rests for
// twice as long as the run took, and for longer while all cores are at work. In
// a storm, when several changes at a time have come right after the run before
// for a while, it rests longer, too: it could keep up, but the store that is at
// work needs the processor more. What comes meanwhile is taken together. A change
// that comes later waits for nothing.
type pace struct {
	began, rest      time.Time // of the last run, and when the rest after it ends
	hurried, crowded bool
	dense            int // how many runs in a row had several changes, right after the one before
}

const (
	restPerWork = 2
	longestRest = 50 * time.Millisecond

	rightAfter     = time.Millisecond
	storm          = 16 // dense runs
	restInStorm    = 16 // per work
	longestInStorm = 4 * time.Millisecond
)

// begin notes that a run begins for changes of which the first came at since;
// crowded says that all cores are at work.
func (p *pace) begin(now, since time.Time, changes int, crowded bool) {
	p.began, p.hurried, p.crowded = now, since.Before(p.rest), crowded
	if changes > 1 && since.Before(p.rest.Add(rightAfter)) {
		p.dense++
	} else {
		p.dense = 0
	}
}

// end begins the rest after a run.
func (p *pace) end(now time.Time) {
	took, rest := now.Sub(p.began), time.Duration(0)
	switch {
	case p.hurried && p.crowded:
		rest = longestRest
	case p.hurried:
		rest = restPerWork * took
	}
	if p.dense >= storm {
		rest = max(rest, min(restInStorm*took, longestInStorm))
	}
	p.rest = now.Add(min(rest, longestRest))
}
