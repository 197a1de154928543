package gate

import (
	"maps"
	"slices"
	"time"
)

// Input is all that a condition can see: plain data, gathered by the caller. A
// judgement only reads it; the caller must not change it meanwhile. What a
// condition does not read (see Gate.Reads) may be left empty.
type Input struct {
	Now time.Time // must be set; its location is the local time of windows

	Resource string // the resource's name
	Reason   string // keys, template, interval, startup, drift, manual or guest
	First    bool   // nothing of this resource was judged since wconf started
	Drift    bool   // the file on disk is not what wconf wrote last

	// Keys, relative to the prefix, that differ between Old and New.
	Added, Removed, Updated []string
	// The pairs that the running service knows (in a guard: those of the file
	// on disk), and the pairs now.
	Old, New map[string]string

	Diff    Diff
	Last    Reload
	History []time.Time // of former reloads, in any order
	Pending Pending
	Check   Check

	Labels map[string]string // facts about the host; "host" is its name
}

// Reload is the last reload that was tried. The zero value is none.
type Reload struct {
	At       time.Time
	Exit     int
	OK       bool
	Failures int // in a row
	Count    int // since the ledger began
}

// Pending is what has happened since the last reload.
type Pending struct {
	Events int       // changes of keys
	Since  time.Time // of the oldest of them
	Latest time.Time // of the newest of them
}

// Check is the last check_cmd or check guest of the new content.
type Check struct {
	Ran  bool `expr:"ran"`
	OK   bool `expr:"ok"`
	Exit int  `expr:"exit"`
}

// Changes compares two sets of pairs for Input, sorted.
func Changes(old, new map[string]string) (added, removed, updated []string) {
	for _, k := range slices.Sorted(maps.Keys(new)) {
		switch v, was := old[k]; {
		case !was:
			added = append(added, k)
		case v != new[k]:
			updated = append(updated, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(old)) {
		if _, is := new[k]; !is {
			removed = append(removed, k)
		}
	}
	return added, removed, updated
}

// changed is the sorted union of what was added, removed and updated.
func (in *Input) changed() []string {
	all := slices.Concat(in.Added, in.Removed, in.Updated)
	slices.Sort(all)
	return slices.Compact(all)
}

// skew is how far the clock may have stepped back since an instant was noted.
const skew = time.Minute

// withoutFuture forgets instants that lie ahead: the clock was wrong when they
// were noted. Without an instant the waiting conditions are open, so a clock
// set back costs one reload too many, not a day without any.
func (in Input) withoutFuture() Input {
	ahead := func(t time.Time) bool { return t.Sub(in.Now) > skew }
	for _, t := range []*time.Time{&in.Last.At, &in.Pending.Since, &in.Pending.Latest} {
		if ahead(*t) {
			*t = time.Time{}
		}
	}
	if slices.ContainsFunc(in.History, ahead) {
		in.History = slices.DeleteFunc(slices.Clone(in.History), ahead)
	}
	return in
}
