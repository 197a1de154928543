package metadata_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestPollEnds(t *testing.T) {
	file := newAnswers(t, "latest: {default: {version: '7', empty: '', nul: ~, list: [p, q, r], n: 3, f: 0.25, b: false, 'q?': 'a?b', sub: {x: 1}}}")
	for _, c := range []struct {
		target string
		after  time.Duration
	}{
		{"/latest/version?wait=true&value=7&maxWait=1", time.Second},
		{"/latest/version?wait=true&value=7&maxWait=10&more=x", 10 * time.Second},
		{"/latest/version?maxWait=12&value=7&value=8&wait=true", 12 * time.Second},
		{"/latest/version?wait=true&value=7", time.Minute},
		{"/latest/version?wait=true&value=7&maxWait=0", time.Minute},
		{"/latest/version?wait=true&value=7&maxWait=abc", time.Minute},
		{"/latest/version?wait=true&value=7&maxWait=121", 2 * time.Minute},
		{"/latest/version?wait=true&value=7&maxWait=99999999999999999999", 2 * time.Minute},
		{"/latest/version?wait=true&value=7&maxWait=-5", 0},
		{"/latest/version/?wait=true&value=7&maxWait=1", time.Second},
		{"/latest/nope?wait=true&value=7&maxWait=1", time.Second},
		{"/latest/empty?wait=true&value=&maxWait=1", time.Second},
		{"/latest/empty?wait=true&maxWait=1", time.Second},
		{"/latest/nul?wait=true&value=%3Cnil%3E&maxWait=1", time.Second},
		{"/latest/list?wait=true&value=%5Bp%20q+r%5D&maxWait=1", time.Second},
		{"/latest/n?wait=true&value=3&maxWait=1", time.Second},
		{"/latest/f?wait=true&value=0.25&maxWait=1", time.Second},
		{"/latest/b?wait=true&value=false&maxWait=1", time.Second},
		{"/latest/sub?wait=true&value=map%5Bx:1%5D&maxWait=1", time.Second},
		{"/latest/version?wait=true&value=8&maxWait=1", 0},
		{"/latest/version?wait=TRUE&value=7&maxWait=1", 0},
		{"/latest/version?wait=1&value=7&maxWait=1", 0},
		{"/latest/version?wait=true&Value=7&maxWait=1", 0},
		{"/latest/version?wait=true;value=7;maxWait=1", 0},
		{"/latest/q%3F?wait=true&value=a%3Fb&maxWait=1", 0},
		{"/latest?wait=true&value=7&maxWait=1", 0},
		{"/nope/version?wait=true&value=7&maxWait=1", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, h := file.handler()
			start := time.Now()
			ask(h, c.target)
			if took := time.Since(start); took != c.after {
				t.Errorf("%s: answered after %v, want %v", c.target, took, c.after)
			}
		})
	}
}

// A poll goes on over reloads that leave its value as it was.
func TestPollWakes(t *testing.T) {
	file := newAnswers(t, versioned("1"))
	synctest.Test(t, func(t *testing.T) {
		s, h := file.handler()
		start := time.Now()
		polls := map[string]chan string{}
		for _, target := range []string{"/latest/version?wait=true&value=1", "/latest/later?wait=true&value=x"} {
			answered := make(chan string, 1)
			polls[target] = answered
			go func() {
				_, body := ask(h, target)
				answered <- body + " after " + time.Since(start).String()
			}()
		}
		for _, text := range []string{"{version: '1', more: x}", "{version: '1', later: here}", "{version: '2'}"} {
			time.Sleep(time.Second)
			file.write("latest: {default: " + text + "}")
			if err := s.Reload(); err != nil {
				t.Fatal(err)
			}
		}
		for target, want := range map[string]string{"/latest/version?wait=true&value=1": "2 after 3s", "/latest/later?wait=true&value=x": "here after 2s"} {
			if got := <-polls[target]; got != want {
				t.Errorf("%s: %s, want %s", target, got, want)
			}
		}
	})
}

func TestPollEndsWithItsClient(t *testing.T) {
	file := newAnswers(t, versioned("1"))
	synctest.Test(t, func(t *testing.T) {
		_, h := file.handler()
		ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		start := time.Now()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/latest/version?wait=true&value=1", nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}
