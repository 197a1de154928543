package etcd

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// found judges a probe or a survey.
func (w *watch) found(f finding) error {
	switch f.kind {
	case surveying:
		return w.surveyed(f)
	case settling:
		return w.settled(f)
	}
	p, now := &w.pulse, time.Now()
	p.busy = false
	switch {
	case denied(f.err):
		return f.err
	case f.err != nil:
		if p.failing.IsZero() {
			p.failing = f.sent
		}
		if now.Sub(p.failing) >= silentFor {
			return fmt.Errorf("no good answer for %s: %w", silentFor, f.err)
		}
		p.good, p.probeAt = 0, now.Add(failedPulse)
		return nil
	case f.other != "" && p.doubts > 0:
		w.b.log.Warn("the store's history is another one", "backend", Factory.Name, "err", f.other)
		return lost("%s", f.other)
	case f.other != "": // a second member must say the same
		p.doubts++
		p.proved = false // until then nothing is handed on
		p.good, p.probeAt = 0, now
		return nil
	}
	w.trust(f, now)
	return nil
}

// trust counts a good probe and sets what the watch has to come to.
func (w *watch) trust(f finding, now time.Time) {
	p := &w.pulse
	p.proved, p.vouch, p.doubts, p.failing = true, true, 0, time.Time{}
	p.good++
	p.probeAt = now.Add(quickPulse)
	if p.good >= goodEnough {
		p.probeAt = now.Add(slowPulse + rand.N(slowPulse))
	}
	p.target = max(p.target, f.rev)
	if p.behind.IsZero() {
		p.behind = now
	}
}

// stuck is a watch that has not come to what a probe saw long ago. Perhaps
// only the server's word for it is missing: then a survey shows that.
func (w *watch) stuck() error {
	if !w.progress.none && w.frontier.created() {
		w.progress.none, w.progress.asked = true, time.Time{}
		w.pulse.behind = w.pulse.clock.Add(lastChance - stuckAfter)
		return w.wantProgress()
	}
	return fmt.Errorf("the watch is stuck at revision %d, the store is at %d", w.at.rev, w.pulse.target)
}
