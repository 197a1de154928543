package etcd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A stream that brings nothing may be up to date, or deaf, or talk about
// another history: a restored snapshot keeps the cluster's id. So a watch has
// a pulse: a linearizable read now and then (a probe), which shows the store's
// newest revision and whether the newest key that was seen is still what it
// was at its revision. The watch then has to come to that revision, too.
//
// On a new stream, and after anything odd, probes follow each other quickly
// until three were good.

const (
	quickPulse  = 5 * time.Second
	slowPulse   = 30 * time.Second // and up to as much again
	failedPulse = time.Second      // after a probe that failed
	goodEnough  = 3
	silentFor   = 10 * time.Second // probes may fail this long before the watch ends
	stuckAfter  = 10 * time.Second // the watch may stay behind a probe this long
	lastChance  = 4 * time.Second  // for the survey that then stands in
	slowAfter   = 2 * time.Second  // and after this long it is suspect
	surveyEvery = time.Hour
	clockEvery  = 5 * time.Second
	clockSlack  = 2 * time.Second
)

type pulse struct {
	start    func(k kind, at cursor, rev int64, came arrivals) // compares the store with at; the finding arrives on findings
	findings chan finding

	proved  bool // on this stream
	good    int  // probes in a row
	doubts  int  // probes in a row that saw another history
	busy    bool // a probe is under way
	probeAt time.Time
	failing time.Time // when the first of the probes that failed was sent
	target  int64     // revision that the watch has to come to
	behind  time.Time // since when it has not
	vouch   bool      // a good probe has not been passed on yet

	surveying bool
	surveyAt  time.Time

	clock time.Time // when the clock was last looked at
}

type kind int

const (
	probing kind = iota
	surveying
	settling
)

// finding is what a probe or survey saw.
type finding struct {
	kind  kind
	sent  time.Time
	rev   int64  // of the store
	other string // how its history differs
	count int64  // what the survey counted
	from  cursor // what it was compared with
	err   error
}

// begin probes a new stream at once.
func (p *pulse) begin(ctx context.Context, w *watch, tasks *sync.WaitGroup) {
	p.findings = make(chan finding, 3) // one of each kind
	p.start = func(k kind, at cursor, rev int64, came arrivals) {
		sc, now := w.scope, time.Now()
		tasks.Go(func() {
			f := finding{kind: k, sent: now, from: at}
			switch k {
			case probing:
				f.rev, f.other, f.err = w.b.probe(ctx, sc, at)
			case surveying:
				f.rev = rev
				f.count, f.other, f.err = w.b.survey(ctx, sc, at, rev, sc.small(at))
			case settling:
				f.rev = rev
				f.count, f.other, f.err = w.b.arrived(ctx, sc, came, rev)
			}
			p.findings <- f
		})
	}
	now := time.Now()
	p.clock, p.surveyAt = now, w.b.surveys.due(w.scope.id, now)
	w.probeNow()
}

// jitter is d, 20 % more or less.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5)
}

func (w *watch) probeNow() {
	if !w.pulse.busy {
		w.pulse.busy = true
		w.pulse.start(probing, w.at, 0, arrivals{})
	}
}

// suspect makes the pulse quick again.
func (p *pulse) suspect(now time.Time) {
	if p.good >= goodEnough || p.probeAt.After(now.Add(quickPulse)) {
		p.good, p.probeAt = 0, now
	}
}

// moved notes that the watch, though behind, came on.
func (p *pulse) moved(now time.Time) {
	if !p.behind.IsZero() {
		p.behind = now
	}
}

// vouches tells, once for each good probe, that the watch has come to what the
// probe saw.
func (w *watch) vouches() bool {
	p := &w.pulse
	if w.at.rev < p.target || !w.frontier.created() {
		return false
	}
	p.behind = time.Time{}
	said := p.vouch
	p.vouch = false
	return said
}

// due is when tick has something to do next.
func (w *watch) due() time.Time {
	p := &w.pulse
	at := p.clock.Add(clockEvery)
	soonest := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if !p.busy {
		soonest(p.probeAt)
	}
	if !p.surveying && w.proved {
		soonest(p.surveyAt)
	}
	if !w.progress.asked.IsZero() {
		soonest(w.progress.asked.Add(w.progress.pause))
	}
	return at
}

// tick does what is due.
func (w *watch) tick(now time.Time) error {
	p := &w.pulse
	if clockJumped(now.Round(0).Sub(p.clock.Round(0)), now.Sub(p.clock)) {
		w.b.log.Info("the clock jumped; probing the store", "backend", Factory.Name)
		p.suspect(now)
	}
	p.clock = now
	if late := now.Sub(p.behind); !p.behind.IsZero() && late >= slowAfter {
		p.suspect(now)
		if late >= stuckAfter {
			return w.stuck()
		}
	}
	if !p.busy && !p.probeAt.After(now) {
		w.probeNow()
	}
	if !p.surveying && !p.surveyAt.After(now) && w.proved {
		p.surveying, p.surveyAt = true, w.b.surveys.made(w.scope.id, now)
		p.start(surveying, w.at, w.at.rev, arrivals{})
	}
	return w.repeatProgress(now)
}

// clockJumped tells whether the wall clock moved otherwise than the time that
// passed: it was set, or the machine slept.
func clockJumped(wall, passed time.Duration) bool {
	return (wall - passed).Abs() > clockSlack
}
