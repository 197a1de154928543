package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

func TestConformance(t *testing.T) {
	backendtest.Suite(t, backendtest.Harness{Open: func(t *testing.T, pairs []kv.Pair) backendtest.Store {
		var tree backendtest.Tree
		path := filepath.Join(t.TempDir(), "tree.json")
		p := opened(t, backend.Config{Command: []string{"cat", path}, Interval: time.Millisecond})
		saved := path
		apply := func(puts []kv.Pair, deletes []string) {
			tree.Apply(puts, deletes)
			must(t, os.WriteFile(path+".new", tree.JSON(), 0o644))
			must(t, os.Rename(path+".new", saved))
		}
		apply(pairs, nil)
		return backendtest.Store{Backend: p, Apply: apply, Down: func(down bool) {
			if down {
				saved = path + ".away"
				must(t, os.Rename(path, saved))
			} else {
				must(t, os.Rename(saved, path))
				saved = path
			}
		}}
	}})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, c backend.Config) *program {
	t.Helper()
	b, err := Factory.Open(c)
	must(t, err)
	t.Cleanup(func() { b.Close() })
	return b.(*program)
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestDocuments(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{"a": {"b": 1, "list": ["x"], "no": null}}`: {"/a/b": "1", "/a/list/0": "x"},
		"a:\n  b: 1\n":  {"/a/b": "1"},
		"\n{}\n":        {},
		"# nothing\n{}": {},
	} {
		l, err := opened(t, backend.Config{Command: []string{"printf", "%s", text}}).List(t.Context(), []string{"/"})
		must(t, err)
		got := map[string]string{}
		for _, p := range l.Pairs {
			got[p.Key] = p.Value
		}
		if !maps.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestFailedRunsCountForNothing(t *testing.T) {
	for script, want := range map[string]string{
		`echo '{"a": "SECRET"}'; exit 3`: "exit status 3",
		`echo '{"a": "SECRET"'; echo`:    "stdout:",
		`echo 'a: [SECRET'`:              "stdout:",
		`echo SECRET`:                    "stdout:",
		`:`:                              "printed nothing",
		`echo first >&2; echo 'no route' >&2; exit 1`: "exit status 1: no route",
		`printf 'b\377d' >&2; exit 1`:                 `exit status 1: "b\xffd"`,
		`echo '{}'; sleep 60 &`:                       "holds its output open",
		`yes SECRET | head -c 70000000; kill -9 $$`:   "more than",
		`kill -9 $$`: "killed",
		`trap '' TERM; while :; do sleep 60 & wait; done`: "timed out after",
	} {
		limit := 10 * time.Minute // 70 MB take a while on a busy machine
		if strings.HasPrefix(want, "timed out") {
			limit = 2 * time.Second
		}
		p := opened(t, backend.Config{Command: shell(script), Timeout: limit})
		l, err := p.List(t.Context(), []string{"/"})
		if err == nil {
			t.Errorf("%s: lists %v", script, l.Pairs)
		} else if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error is %q, want %q in it", script, err, want)
		}
	}
}

func TestWholeGroupIsStopped(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "pids")
	p := opened(t, backend.Config{Command: shell("sleep 600 & echo $! >" + mark + ".new; mv " + mark + ".new " + mark + "; wait")})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := p.List(ctx, []string{"/"})
		ended <- err
	}()
	var pid int
	for pid == 0 {
		text, _ := os.ReadFile(mark)
		fmt.Sscan(string(text), &pid)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("List ended with %v", err)
	}
	for alive(pid) {
	}
}

// alive tells whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestProblemHasItsPlace(t *testing.T) {
	_, err := opened(t, backend.Config{Command: shell("printf 'a: 1\nb: [\n'")}).List(t.Context(), []string{"/"})
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.File != "stdout" || p.Line == 0 {
		t.Errorf("List: %v", err)
	}
}

// However many watch and list, a run is shared for the length of an interval.
func TestRunsOncePerInterval(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	p := opened(t, backend.Config{Command: shell("echo run >>" + runs + "; echo '{\"a\": 1}'"), Interval: time.Hour})
	l, err := p.List(t.Context(), []string{"/"})
	must(t, err)
	for range 3 {
		ctx, stop := context.WithCancel(t.Context())
		out, ended := make(chan backend.Batch), make(chan error)
		go func() { ended <- p.Watch(ctx, []string{"/"}, l.Cursor, out) }()
		if b := <-out; b.Full || b.Cursor != l.Cursor {
			t.Errorf("the batch is %+v", b)
		}
		stop()
		<-ended
	}
	if text, _ := os.ReadFile(runs); string(text) != "run\n" {
		t.Errorf("the program ran %d times", strings.Count(string(text), "run"))
	}
}

func TestRefusesNoCommand(t *testing.T) {
	for _, argv := range [][]string{nil, {""}} {
		if _, err := Factory.Open(backend.Config{Command: argv}); err == nil {
			t.Errorf("%q is opened", argv)
		}
	}
	if _, err := opened(t, backend.Config{Command: []string{"/absent/program"}}).List(t.Context(), []string{"/"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("List: %v", err)
	}
}
