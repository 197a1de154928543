package testrun

import (
	"sync"
	"time"
)

// clock is virtual: it moves when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock on; it never goes back.
func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
}

// Spend lets time pass, as a command that takes long does.
func (c *clock) Spend(d time.Duration) { c.Set(c.Now().Add(d)) }
