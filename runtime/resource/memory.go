package resource

import (
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

// memory is what wconf knows of a destination and its service. Of the three
// hashes that say how a resource stands, disk is what wconf last saw at the
// destination, accepted is what needs no reload any more, and running is what
// the service loaded: a reload moves all three, a skip moves accepted, and a
// reload is owed while accepted differs from disk.
type memory struct {
	known    bool // the ledger was asked
	disk     string
	accepted string
	running  content
	last     last
	stagedAt string // where the content was staged that stands there; nothing is there any more
	written  *Plan  // what stands at the destination, where this process put or saw it
	asked    bool   // the destination was asked for its mark
	owed     bool   // a reload of what stands there must still happen
	held     bool   // a condition withholds it
	inLedger bool   // the debt stands in the ledger, not on the file
	applied  bool   // at least once since wconf started
}

// content is one content of the destination, with what it was made from. What
// only conditions need may be missing: then conditions see no change.
type content struct {
	hash     string
	bytes    []byte
	snapshot *kv.Snapshot      // or
	pairs    map[string]string // keys relative to the prefix, from the ledger
}

// last is the last reload.
type last struct {
	at       time.Time
	exit     int
	failures int // in a row
	count    int
	history  []time.Time // of the last thousand
}

// pending is what changed since the service last loaded the destination. It
// piles up over held and skipped changes; only a reload empties it.
type pending struct {
	changes []kv.Change
	events  int
	first   time.Time
	latest  time.Time
}

func (p *pending) add(c Cause) {
	if len(c.Changes) == 0 {
		return
	}
	if p.events == 0 {
		p.first = c.Now
	}
	p.changes, p.latest = kv.Merge(p.changes, c.Changes), c.Now
	p.events++
}

// before joins what was pending earlier to what has come since.
func (p pending) before(since pending) pending {
	switch {
	case p.events == 0:
		return since
	case since.events == 0:
		return p
	}
	return pending{kv.Merge(p.changes, since.changes), p.events + since.events, p.first, since.latest}
}

// knows notes that the service has loaded what p made.
func (r *Resource) knows(p *Plan) {
	r.accepted = p.Hash
	r.running = content{hash: p.Hash, bytes: p.Content, snapshot: p.Snapshot}
	r.pending = pending{}
}
