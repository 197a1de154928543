package gate

import "time"

// Sample is the event that the examples of the documentation are about: on
// Saturday 2026-11-21 at 14:00 UTC, on the host web-03, one web server was added
// and another one has moved; the last reload was two minutes ago.
func Sample() Input {
	now := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	in := Input{
		Now: now, Resource: "nginx", Reason: "keys",
		Old:  map[string]string{"/services/web/1": "10.0.0.1", "/tls/serial": "41", "/version": "1.4.0", "/weight": "100"},
		New:  map[string]string{"/services/web/1": "10.0.0.9", "/services/web/2": "10.0.0.2", "/tls/serial": "41", "/version": "1.4.0", "/weight": "110"},
		Diff: Diff{Added: 3, Removed: 1, Significant: 4, Ratio: 0.02, Bytes: 4096, Lines: []string{"+  server 10.0.0.9;", "+  server 10.0.0.2;", "+  # two", "-  server 10.0.0.1;"}},

		Last:    Reload{At: now.Add(-2 * time.Minute), OK: true, Count: 7},
		History: []time.Time{now.Add(-2 * time.Minute), now.Add(-30 * time.Minute), now.Add(-5 * time.Hour)},
		Pending: Pending{Events: 2, Since: now.Add(-4 * time.Second), Latest: now.Add(-3 * time.Second)},
		Check:   Check{Ran: true, OK: true},
		Labels:  map[string]string{"host": "web-03", "zone": "a"},
	}
	in.Added, in.Removed, in.Updated = Changes(in.Old, in.New)
	return in
}
