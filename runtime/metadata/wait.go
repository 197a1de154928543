package metadata

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How long a long poll waits when the client does not say, and at most.
const (
	usualWait   = time.Minute
	longestWait = 2 * time.Minute
)

// poll is a long poll: wait until the value is another than old.
type poll struct {
	old string
	max time.Duration
}

// longPoll reads wait, value and maxWait. The query asks for a long poll when
// wait is exactly "true"; a value with ? or & cannot be waited for (a limit of
// the old servers' router that clients see as an immediate answer). No value
// waits for the empty one to change.
func longPoll(query url.Values) (poll, bool) {
	old := query.Get("value")
	if query.Get("wait") != "true" || strings.ContainsAny(old, "?&") {
		return poll{}, false
	}
	return poll{old: old, max: maxWait(query.Get("maxWait"))}, true
}

// maxWait reads seconds. Zero and what is no number mean the usual wait, a
// negative number no wait at all.
func maxWait(text string) time.Duration {
	seconds, _ := strconv.Atoi(text) // out of range: the nearest number
	switch {
	case seconds == 0:
		return usualWait
	case seconds > int(longestWait/time.Second):
		return longestWait
	}
	return time.Duration(max(seconds, 0)) * time.Second
}

// wait looks up the value in the answers of now and after each reload, until
// it differs from the old one, the time is over, or ctx ends. A path that is
// not there is waited for. The result is the last look.
func (s *Server) wait(ctx context.Context, p poll, find func(*world) (any, bool)) (any, bool) {
	timeout := time.NewTimer(p.max)
	defer timeout.Stop()
	for {
		world := s.world.Load()
		value, found := find(world)
		if found && fmt.Sprint(value) != p.old {
			return value, true
		}
		select {
		case <-world.replaced:
		case <-timeout.C:
			return value, found
		case <-ctx.Done():
			return value, found
		}
	}
}
