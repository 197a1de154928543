package env

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/kv"
)

func TestConformance(t *testing.T) {
	backendtest.Suite(t, backendtest.Harness{Open: func(t *testing.T, pairs []kv.Pair) backendtest.Store {
		environ := []string{"PATH=/bin", "HOME=/root"}
		for _, p := range pairs {
			environ = append(environ, strings.ToUpper(strings.ReplaceAll(p.Key[1:], "/", "_"))+"="+p.Value)
		}
		return backendtest.Store{Backend: read(environ, nil)}
	}})
}

// What confd makes of these variables (its recorded cases env-*), but for
// whole segments and empty ones.
func TestKeys(t *testing.T) {
	environ := []string{
		"WCT_A=1", "WCTX_B=2", "WCT_MAX_CONN=10", "WCT_V=a=b=c", "WCT_E=", "wct_lower=x", "WCT_mixed=m",
		"FOO=short", "FOO_=long", "A__B=empty segment", "A_B=plain", "K-E.Y_1=odd", "_=ignored", "=C:=ignored",
	}
	for prefix, want := range map[string]map[string]string{
		"/wct":          {"/wct/a": "1", "/wct/max/conn": "10", "/wct/v": "a=b=c", "/wct/e": "", "/wct/mixed": "m"},
		"/WCT":          {"/wct/a": "1", "/wct/max/conn": "10", "/wct/v": "a=b=c", "/wct/e": "", "/wct/mixed": "m"},
		"/wct/a":        {"/wct/a": "1"},
		"/wct/max_conn": {"/wct/max/conn": "10"},
		"/wct/lower":    {},
		"/foo":          {"/foo": "short"},
		"/a":            {"/a/b": "plain"},
		"/a/b":          {"/a/b": "plain"},
		"/k-e.y":        {"/k-e.y/1": "odd"},
		"/absent":       {},
	} {
		got := map[string]string{}
		for _, p := range read(environ, nil).below([]string{prefix}) {
			got[p.Key] = p.Value
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", prefix, got, want)
		}
	}
	if all := read(environ, nil).below([]string{"/"}); len(all) != 10 {
		t.Errorf("everything is %v", all)
	}
}

func TestSpell(t *testing.T) {
	for key, want := range map[string]string{"/WCT/A": "/wct/a", "/wct/max_conn": "/wct/max/conn", "/": "/", "": ""} {
		if got := Spell(key); got != want {
			t.Errorf("Spell(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestTwoVariablesOfOneKeyAreSaid(t *testing.T) {
	var log strings.Builder
	read([]string{"DB_PASSWORD=first-secret", "DB__PASSWORD=second-secret"}, slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "DB__PASSWORD") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log says: %s", &log)
	}
}

func TestWatchSaysThatNothingChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := read([]string{"A=1"}, nil)
		l, _ := e.List(t.Context(), []string{"/a"})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		out, ended := make(chan backend.Batch), make(chan error, 1)
		go func() { ended <- e.Watch(ctx, []string{"/a"}, l.Cursor, out) }()
		for n := 0; ; n++ {
			select {
			case b := <-out:
				if b.Full || len(b.Puts) > 0 || b.Cursor != l.Cursor {
					t.Errorf("the batch is %+v", b)
				}
			case <-ended:
				if n < 10 {
					t.Errorf("%d batches in a minute", n)
				}
				return
			}
		}
	})
}

func TestFactoryReadsTheEnvironment(t *testing.T) {
	t.Setenv("WCONF_ENV_TEST", "1")
	b, err := Factory.Open(backend.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l, err := b.List(t.Context(), []string{"/wconf/env/test"})
	if err != nil || len(l.Pairs) != 1 || l.Pairs[0].Value != "1" {
		t.Errorf("List: %v, %v", l.Pairs, err)
	}
}
