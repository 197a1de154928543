package engine

import (
	"runtime"
	"sync"
	"time"
)

// crew runs functions, each on a goroutine of its own. A few of these stay for
// the next functions: their stacks have grown to what a render takes.
type crew struct {
	next chan func()
	rest chan struct{} // a place for each goroutine that stays
	over chan struct{}
	work sync.WaitGroup
}

func newCrew() *crew {
	return &crew{next: make(chan func()), rest: make(chan struct{}, runtime.GOMAXPROCS(0)), over: make(chan struct{})}
}

func (c *crew) run(f func()) {
	select {
	case c.next <- f:
	default:
		c.work.Go(func() {
			for ; f != nil; f = c.await() {
				f()
			}
		})
	}
}

// await is the next function; nil when enough others wait for it, or when there
// will be none.
func (c *crew) await() func() {
	select {
	case c.rest <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-c.rest }()
	select {
	case f := <-c.next:
		return f
	case <-c.over:
		return nil
	}
}

// finish lets those go that wait, and waits for those that work.
func (c *crew) finish() {
	close(c.over)
	c.work.Wait()
}

// longRender is how long a render keeps its slot. As many guests as there are
// cores, each without an end, must not keep all others from theirs until the
// deadlines come.
const longRender = 100 * time.Millisecond

// slots keep renders from being more at once than there are cores, not counting
// long ones. Time is looked at only when somebody waits.
type slots struct {
	places chan struct{}

	mu      sync.Mutex
	holders []*holder // in the order in which they began, nearly
}

type holder struct{ began time.Time }

func newSlots() *slots { return &slots{places: make(chan struct{}, runtime.GOMAXPROCS(0))} }

// take waits for a slot; free gives it back.
func (s *slots) take() (free func()) {
	select {
	case s.places <- struct{}{}:
	default:
		s.wait()
	}
	h := &holder{time.Now()}
	s.mu.Lock()
	s.holders = append(s.holders, h)
	s.mu.Unlock()
	return func() { s.free(func(other *holder) bool { return other == h }) }
}

// wait takes a slot as soon as one is given back, or a render has become long.
func (s *slots) wait() {
	timer := time.NewTimer(s.untilLong())
	defer timer.Stop()
	for {
		select {
		case s.places <- struct{}{}:
			return
		case <-timer.C:
			s.free(func(h *holder) bool { return time.Since(h.began) >= longRender })
			timer.Reset(s.untilLong())
		}
	}
}

// untilLong is how long it takes until some render becomes long.
func (s *slots) untilLong() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.holders) == 0 {
		return longRender
	}
	return longRender - time.Since(s.holders[0].began)
}

// free gives back the slots of some, as far as they still have theirs.
func (s *slots) free(which func(*holder) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.holders[:0]
	for _, h := range s.holders {
		if which(h) {
			<-s.places
		} else {
			kept = append(kept, h)
		}
	}
	clear(s.holders[len(kept):])
	s.holders = kept
}
