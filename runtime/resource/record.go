package resource

import (
	"context"
	"time"

	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/stage"
)

// lock keeps other wconf away from the destination while this one replaces it.
func (a applying) lock(ctx context.Context) (release func(), err error) {
	if a.spec.LockTimeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, a.spec.LockTimeout)
		defer stop()
	}
	l, err := a.parts.Ledger.Lock(ctx, a.Dest())
	return l.Unlock, err
}

// remembers tells whether more than the mark on the file has to survive a
// restart: conditions look back.
func (r *Resource) remembers() bool { return r.parts.Condition != nil || r.parts.Guard != nil }

// recall asks, once, what an earlier wconf knew. Where nothing is known the
// service is taken to run what is on disk, so that conditions see no change.
func (r *Resource) recall(staged stage.Staged) {
	if r.known {
		return
	}
	r.known = true
	standing, exists := staged.Old()
	if exists {
		r.disk = ledger.Hash(standing)
	}
	r.accepted, r.running = r.disk, content{hash: r.disk, bytes: standing}
	rec, ok, err := r.parts.Ledger.Load(r.Dest(), r.ID())
	if err != nil {
		r.parts.Log.Warn("what an earlier run knew is lost", "resource", r.ID(), "err", err)
	}
	if !ok {
		return
	}
	r.owed = rec.Disk == r.disk && (rec.Owed || rec.Accepted != rec.Disk)
	r.last = last{at: rec.LastAt, exit: rec.LastExit, failures: rec.Failures, count: rec.Reloads, history: rec.History}
	r.pending.first, r.pending.latest = rec.Pending, rec.Pending
	r.accepted = rec.Accepted
	r.running = content{hash: rec.Running, bytes: rec.Bytes, pairs: rec.Pairs}
	if rec.Running == ledger.Hash(standing) { // also where no condition needed the bytes then
		r.running.bytes = standing
	}
	if rec.Disk != "" {
		r.disk = rec.Disk // what differs from it now is drift
	}
}

// keep writes down what has to survive a restart. It need not survive a power
// cut: what is missing makes a condition see less, never a reload less.
func (r *Resource) keep() error {
	if !r.remembers() {
		return nil
	}
	return r.parts.Ledger.Save(r.Dest(), r.record(), false)
}

// oweInLedger writes a debt down where the file cannot carry it; it is durable
// before the content is.
func (a applying) oweInLedger() error {
	rec := a.record()
	rec.Disk, rec.Owed = a.plan.Hash, true
	err := a.parts.Ledger.Save(a.Dest(), rec, true)
	if err != nil {
		a.parts.Log.Warn("a reload that fails will be forgotten by a restart: neither the file nor the state directory can keep it",
			"resource", a.ID(), "err", err)
	}
	a.inLedger = err == nil
	return nil
}

// paid takes a debt out of the ledger.
func (r *Resource) paid() error {
	if !r.inLedger {
		return nil
	}
	r.inLedger = false
	return r.parts.Ledger.Save(r.Dest(), r.record(), true)
}

func (r *Resource) record() ledger.Record {
	rec := ledger.Record{
		Resource: r.ID(), Disk: r.disk, Accepted: r.accepted, Running: r.running.hash,
		LastAt: r.last.at, LastExit: r.last.exit, Failures: r.last.failures, Reloads: r.last.count, History: r.last.history,
		Owed: r.owed && r.inLedger,
	}
	if r.pending.events > 0 {
		rec.Pending = r.pending.first.UTC().Round(time.Millisecond)
	}
	if !r.remembers() {
		return rec
	}
	changes, bytes := r.comparesWith()
	if bytes {
		rec.Bytes = r.running.bytes
	}
	if changes {
		rec.Pairs = r.running.pairs
		if rec.Pairs == nil && r.running.snapshot != nil {
			rec.Pairs = r.pairs(r.running.snapshot)
		}
	}
	return rec
}

// comparesWith is what conditions compare the new content with: the keys that
// the service knows, its file, or neither, as when they look at the clock.
func (r *Resource) comparesWith() (keys, bytes bool) {
	for _, g := range []*gate.Gate{r.parts.Condition, r.parts.Guard} {
		if g != nil {
			reads := g.Reads()
			keys, bytes = keys || reads.Changes || reads.Pairs, bytes || reads.Bytes
		}
	}
	return keys, bytes
}
