package admin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/resource"
)

// looked is how many resources the first pass has been at, also in vain.
func looked(all []engine.Status) (n int) {
	for _, s := range all {
		if !s.Since.IsZero() {
			n++
		}
	}
	return n
}

// rendered is how many resources have been rendered and taken to their
// destinations at least once.
func rendered(all []engine.Status) (n int) {
	for _, s := range all {
		if once(s) {
			n++
		}
	}
	return n
}

func once(s engine.Status) bool { return !s.Since.IsZero() && s.Renders > s.FailedRenders }

// told is the order in which the status line names what is not in sync.
var told = []resource.State{resource.Failed, resource.Owed, resource.Held, resource.Guarded, resource.Stale, resource.Paused}

// statusLine says in one line how the resources stand: "12 resources, 1 held
// until 14:03".
func statusLine(all []engine.Status, now time.Time) string {
	line := fmt.Sprintf("%d resources", len(all))
	if len(all) == 1 {
		line = "1 resource"
	}
	if n := looked(all); n < len(all) {
		return fmt.Sprintf("%s, %d rendered so far", line, n)
	}
	for _, state := range told {
		n, wake := 0, time.Time{}
		for _, s := range all {
			if s.State != state {
				continue
			}
			n++
			if state == resource.Held && !s.Wake.IsZero() && (wake.IsZero() || s.Wake.Before(wake)) {
				wake = s.Wake
			}
		}
		if n > 0 {
			line += fmt.Sprintf(", %d %s%s", n, state, until(wake, now))
		}
	}
	return line
}

func until(wake, now time.Time) string {
	wake = wake.In(now.Location())
	switch {
	case wake.IsZero():
		return ""
	case wake.YearDay() == now.YearDay() && wake.Year() == now.Year():
		return wake.Format(" until 15:04")
	}
	return wake.Format(" until Jan 2 15:04")
}

// standing is the answer of /ready/detailed. It has codes of problems, for
// their texts may say more than everybody should read.
type standing struct {
	Ready     bool               `json:"ready"`
	Alive     bool               `json:"alive"`
	Version   string             `json:"version"`
	Status    string             `json:"status"`
	Resources []resourceStanding `json:"resources"`
	Backends  []backendStanding  `json:"backends"`
}

type resourceStanding struct {
	Resource string    `json:"resource"`
	State    string    `json:"state"`
	Step     string    `json:"step,omitzero"`
	Code     string    `json:"code,omitzero"`
	Since    time.Time `json:"since,omitzero"`
	Wake     time.Time `json:"wake,omitzero"`
	Rendered bool      `json:"rendered"`
	Renders  int       `json:"renders"`
	Writes   int       `json:"writes"`
	Reloads  int       `json:"reloads"`
}

type backendStanding struct {
	Backend string    `json:"backend"`
	Up      bool      `json:"up"`
	Stale   bool      `json:"stale"`
	Disk    bool      `json:"from_disk"`
	Contact time.Time `json:"last_contact,omitzero"`
	Code    string    `json:"code,omitzero"`
	Keys    int       `json:"keys"`
	Hidden  int       `json:"hidden_keys"`
	Audited time.Time `json:"last_audit,omitzero"`
	Audits  int       `json:"audits"`
	Differ  int       `json:"audit_differences"`
}

func (a *Admin) standing(s Subject, now time.Time) standing {
	if a.stuck() { // asking could wait for ever
		return standing{Ready: a.ready.Load(), Version: a.opt.Version, Status: "the main loop is stuck", Resources: []resourceStanding{}, Backends: []backendStanding{}}
	}
	all, stores := s.Status(), s.Stores()
	answer := standing{
		Ready: a.isReady(all), Alive: true, Version: a.opt.Version, Status: statusLine(all, now),
		Resources: []resourceStanding{}, Backends: []backendStanding{},
	}
	for _, r := range all {
		answer.Resources = append(answer.Resources, resourceStanding{
			Resource: strings.ToValidUTF8(r.Resource, "\ufffd"), State: r.State.String(), Step: r.Step, Code: code(r.Err),
			Since: r.Since, Wake: r.Wake, Rendered: once(r), Renders: r.Renders, Writes: r.Writes, Reloads: r.Reloads,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		answer.Backends = append(answer.Backends, backend(name, stores[name], now))
	}
	return answer
}

func backend(name string, s cache.Status, now time.Time) backendStanding {
	return backendStanding{
		Backend: name, Up: s.Connected, Stale: s.Stale(now), Disk: s.FromDisk, Contact: s.Contact, Code: code(s.Err), Keys: s.Keys, Hidden: s.Hidden,
		Audited: s.Audited, Audits: s.Audits, Differ: s.Differences,
	}
}

// isReady tells whether every resource has been rendered once. What is ready
// stays ready: what goes wrong later is the metrics' to tell.
func (a *Admin) isReady(all []engine.Status) bool {
	if rendered(all) == len(all) {
		a.ready.Store(true)
	}
	return a.ready.Load()
}

// code is the code of a problem, or "error" for an error that has none.
func code(err error) string {
	var p *problem.Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &p) && p.Code != "":
		return p.Code
	}
	return "error"
}
