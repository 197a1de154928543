package gate

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// schedule is a window of the week. It speaks of the clock on the wall: an
// instant is in the window when that clock shows a time of it. So when summer
// time begins, a window in the skipped hour does not open; when it ends, one in
// the repeated hour opens twice.
type schedule struct {
	days       [7]bool // by time.Weekday, on which the window starts
	start, end int     // minutes of the day; end <= start crosses midnight
	zone       *time.Location
}

var errSchedule = errors.New(`is not a window such as "Mon-Fri 02:00-04:30", "22:00-06:00" or "Sat 00:00-24:00 Europe/Berlin"`)

// parseSchedule reads "[days] HH:MM-HH:MM [zone]".
func parseSchedule(spec string) (*schedule, error) {
	s := &schedule{}
	fields := strings.Fields(spec)
	if len(fields) > 0 && fields[0][0] >= 'A' {
		if err := s.parseDays(fields[0]); err != nil {
			return nil, fmt.Errorf("%q: %w", spec, err)
		}
		fields = fields[1:]
	} else {
		s.days = [7]bool{true, true, true, true, true, true, true}
	}
	if len(fields) < 1 || len(fields) > 2 {
		return nil, fmt.Errorf("%q %w", spec, errSchedule)
	}
	if err := s.parseHours(fields[0]); err != nil {
		return nil, fmt.Errorf("%q: %w", spec, err)
	}
	if len(fields) == 2 {
		zone, err := time.LoadLocation(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%q: the time zone %q is not known on this host", spec, fields[1])
		}
		s.zone = zone
	}
	return s, nil
}

// parseDays reads "Mon", "Mon-Fri", "Fri-Mon" or a list of them.
func (s *schedule) parseDays(list string) error {
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := weekday(first), weekday(last)
		if from < 0 || to < 0 {
			return fmt.Errorf("%q is not a day such as Mon or days such as Mon-Fri", part)
		}
		for d := from; ; d = (d + 1) % 7 {
			s.days[d] = true
			if d == to {
				break
			}
		}
	}
	return nil
}

func weekday(name string) int {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(name, d.String()[:3]) || strings.EqualFold(name, d.String()) {
			return int(d)
		}
	}
	return -1
}

func (s *schedule) parseHours(hours string) error {
	from, to, _ := strings.Cut(hours, "-")
	var err error
	if s.start, err = minuteOfDay(from); err != nil {
		return err
	}
	if s.end, err = minuteOfDay(to); err != nil {
		return err
	}
	if s.start == 24*60 || s.start == s.end {
		return fmt.Errorf("%q is an empty window; a whole day is 00:00-24:00", hours)
	}
	return nil
}

func minuteOfDay(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) > len("15:04") {
		return 0, fmt.Errorf("%q is not a time of day such as 02:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

func (s *schedule) in(t time.Time) time.Time {
	if s.zone == nil {
		return t
	}
	return t.In(s.zone)
}

// open says whether the window is open at an instant.
func (s *schedule) open(t time.Time) bool {
	t = s.in(t)
	today, minute := t.Weekday(), t.Hour()*60+t.Minute()
	if s.start < s.end {
		return s.days[today] && s.start <= minute && minute < s.end
	}
	yesterday := (today + 6) % 7
	return s.days[today] && minute >= s.start || s.days[yesterday] && minute < s.end
}

// changes is the first instant after t at which the window opens or closes;
// zero when it does neither within three weeks.
func (s *schedule) changes(t time.Time) time.Time {
	was := s.open(t)
	for u := s.boundary(t); u.Sub(t) < 22*24*time.Hour; u = s.boundary(u) {
		if s.open(u) != was {
			return u.In(t.Location())
		}
	}
	return time.Time{}
}

// boundary is the next instant at which the clock on the wall shows the
// window's start or end, or jumps. Until the jump that clock is a simple one, so
// it is read with the offset of now.
func (s *schedule) boundary(t time.Time) time.Time {
	local := s.in(t)
	_, offset := local.Zone()
	_, jump := local.ZoneBounds()
	simple := time.FixedZone("", offset)
	year, month, day := t.In(simple).Date()
	next := time.Date(year, month, day+1, 0, s.start, 0, 0, simple)
	for _, c := range []time.Time{
		time.Date(year, month, day, 0, s.start, 0, 0, simple),
		time.Date(year, month, day, 0, s.end, 0, 0, simple),
		time.Date(year, month, day+1, 0, s.end, 0, 0, simple),
		jump,
	} {
		if c.After(t) && c.Before(next) {
			next = c
		}
	}
	return next.In(local.Location())
}
