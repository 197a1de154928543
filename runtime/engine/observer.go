package engine

import "time"

// Observer is told what an engine does, by the goroutine that does it. Its
// functions may be nil; they must not block, and must not call the engine.
type Observer struct {
	// Turned is called by Run after each turn of its loop, at least every
	// Options.Pulse. A loop that is stuck does not call it.
	Turned func()
	// Rendered is told of each render that ended.
	Rendered func(resource string, took time.Duration, err error)
}

// Counts is how often something happened to a resource.
type Counts struct {
	Renders       int // it was rendered, also in vain
	FailedRenders int
	Writes        int // its destination was replaced
	Reloads       int // its service was reloaded
	FailedReloads int
}

func (e *Engine) turned() {
	if e.opt.Observer.Turned != nil {
		e.opt.Observer.Turned()
	}
}

func (e *Engine) rendered(t *task, began time.Time, err error) {
	if e.opt.Observer.Rendered != nil {
		e.opt.Observer.Rendered(t.member.Resource.ID(), e.opt.Now().Sub(began), err)
	}
}

// pulse is how long the loop may rest when there is nothing to do before wait
// has passed.
func (e *Engine) pulse(wait time.Duration) time.Duration {
	if e.opt.Pulse > 0 {
		return min(wait, e.opt.Pulse)
	}
	return wait
}

// drain waits for what runs. The loop goes on turning meanwhile, but begins
// nothing.
func (e *Engine) drain() {
	over := make(chan struct{})
	go func() {
		e.crew.finish()
		close(over)
	}()
	timer := time.NewTimer(e.pulse(forever))
	defer timer.Stop()
	for {
		select {
		case <-over:
			return
		case <-timer.C:
			timer.Reset(e.pulse(forever))
			e.turned()
		}
	}
}
