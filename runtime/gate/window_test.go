package gate

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, also where the host has none
)

func mustSchedule(t *testing.T, spec string) *schedule {
	t.Helper()
	s, err := parseSchedule(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Berlin goes from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on
// 2026-10-25; both are Sundays.
func TestWindowAndSummerTime(t *testing.T) {
	for _, test := range []struct {
		spec, at string // at in Berlin's time, with its offset
		open     bool
		changes  string
	}{
		{"Mon-Fri 02:00-04:30", "2026-11-21T14:00:00+01:00", false, "2026-11-23T02:00:00+01:00"},
		{"Mon-Fri 02:00-04:30", "2026-11-23T02:00:00+01:00", true, "2026-11-23T04:30:00+01:00"},
		{"Mon-Fri 02:00-04:30", "2026-11-23T04:30:00+01:00", false, "2026-11-24T02:00:00+01:00"},
		{"Sat", "", false, ""},
		// across midnight: it belongs to the day on which it starts
		{"Fri 22:00-06:00", "2026-11-21T05:59:59+01:00", true, "2026-11-21T06:00:00+01:00"},
		{"Fri 22:00-06:00", "2026-11-21T22:30:00+01:00", false, "2026-11-27T22:00:00+01:00"},
		{"Sat-Sun 00:00-24:00", "2026-11-21T14:00:00+01:00", true, "2026-11-23T00:00:00+01:00"},
		{"Fri-Mon 08:00-09:00", "2026-11-23T10:00:00+01:00", false, "2026-11-27T08:00:00+01:00"},
		{"Mon,Wed,Fri-Sat 08:00-09:00", "2026-11-24T10:00:00+01:00", false, "2026-11-25T08:00:00+01:00"},
		{"00:00-24:00", "2026-11-21T14:00:00+01:00", true, ""},
		// the skipped hour: what begins in it begins when it is over, what lies in it does not open
		{"02:00-04:30", "2026-03-29T01:30:00+01:00", false, "2026-03-29T03:00:00+02:00"},
		{"02:00-04:30", "2026-03-29T03:00:00+02:00", true, "2026-03-29T04:30:00+02:00"},
		{"01:30-02:30", "2026-03-29T01:45:00+01:00", true, "2026-03-29T03:00:00+02:00"},
		{"02:15-02:45", "2026-03-29T01:45:00+01:00", false, "2026-03-30T02:15:00+02:00"},
		{"Sun 02:15-02:45", "2026-03-29T01:45:00+01:00", false, "2026-04-05T02:15:00+02:00"},
		// the repeated hour: what lies in it opens twice
		{"02:15-02:45", "2026-10-25T01:00:00+02:00", false, "2026-10-25T02:15:00+02:00"},
		{"02:15-02:45", "2026-10-25T02:15:00+02:00", true, "2026-10-25T02:45:00+02:00"},
		{"02:15-02:45", "2026-10-25T02:45:00+02:00", false, "2026-10-25T02:15:00+01:00"},
		{"02:15-02:45", "2026-10-25T02:15:00+01:00", true, "2026-10-25T02:45:00+01:00"},
		{"01:00-03:00", "2026-10-25T01:00:00+02:00", true, "2026-10-25T03:00:00+01:00"},
		{"02:30-05:00", "2026-10-25T02:30:00+02:00", true, "2026-10-25T02:00:00+01:00"},
		// a zone of its own
		{"Sat 02:00-03:00 Asia/Tokyo", "2026-11-20T18:30:00+01:00", true, "2026-11-20T19:00:00+01:00"},
	} {
		if test.at == "" {
			if _, err := parseSchedule(test.spec); err == nil {
				t.Errorf("%q is taken for a window", test.spec)
			}
			continue
		}
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		s := mustSchedule(t, test.spec)
		at = at.In(mustZone(t, "Europe/Berlin"))
		changes := ""
		if c := s.changes(at); !c.IsZero() {
			changes = c.Format(time.RFC3339)
		}
		if s.open(at) != test.open || changes != test.changes {
			t.Errorf("%s at %s: open %v, changes %s; want %v, %s", test.spec, test.at, s.open(at), changes, test.open, test.changes)
		}
	}
}

// changes agrees with looking at every minute, in zones that jump by half an
// hour, at midnight, and over a day.
func TestWindowChangesEveryMinute(t *testing.T) {
	for _, test := range []struct{ zone, from string }{
		{"Europe/Berlin", "2026-03-26"},
		{"Europe/Berlin", "2026-10-22"},
		{"Australia/Lord_Howe", "2026-04-02"},
		{"America/Sao_Paulo", "2017-10-12"},
		{"Africa/Cairo", "2026-04-21"},
		{"Pacific/Apia", "2011-12-28"},
		{"UTC", "2026-11-21"},
	} {
		from, err := time.ParseInLocation(time.DateOnly, test.from, mustZone(t, test.zone))
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range []string{"02:15-02:45", "Sun 01:30-03:30", "22:00-00:30", "Fri-Sat 23:30-24:00", "Mon-Sun 00:00-24:00", "Thu,Sun 00:00-12:00", "23:59-23:58"} {
			s := mustSchedule(t, spec)
			next := s.changes(from)
			for at := from.Add(time.Minute); at.Sub(from) < 7*24*time.Hour; at = at.Add(time.Minute) {
				if s.open(at) == s.open(at.Add(-time.Minute)) {
					continue
				}
				if !next.Equal(at) {
					t.Fatalf("%s in %s: changes at %v, foretold was %v", spec, test.zone, at, next)
				}
				next = s.changes(at)
			}
		}
	}
}

func TestBadWindows(t *testing.T) {
	for _, spec := range []string{
		"", " ", "Mon", "02:00", "02:00-", "-02:00", "2-4", "02:00-25:00", "24:00-02:00", "02:60-03:00", "02:00-04:00-06:00",
		"Mon Tue 02:00-03:00", "Mon-Tue-Wed 02:00-03:00", "Mon, Tue 02:00-03:00", "02:00-03:00 Nowhere/Land", "02:00-03:00 UTC UTC",
		"02:00-03:00 ../../etc/passwd", "Xyz 02:00-03:00", "02:00:00-03:00:00", "é 02:00-03:00",
	} {
		if _, err := parseSchedule(spec); err == nil {
			t.Errorf("%q is taken for a window", spec)
		}
	}
}

func FuzzWindow(f *testing.F) {
	f.Add("Mon-Fri 02:00-04:30 Europe/Berlin", int64(1_774_749_600))
	f.Add("22:00-06:00", int64(0))
	f.Add("Sat,Mon-Tue 00:00-24:00 UTC", int64(-1))
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		s, err := parseSchedule(spec)
		if err != nil {
			return
		}
		at := time.Unix(unix%(1<<33), 0).UTC()
		c := s.changes(at)
		if c.IsZero() {
			return
		}
		if !c.After(at) || s.open(c) == s.open(at) || s.open(c.Add(-1)) != s.open(at) {
			t.Errorf("%q at %v: changes at %v", spec, at, c)
		}
	})
}
