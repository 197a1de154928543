package resource_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// echo renders the value of /a.
type echo struct{}

func (echo) Render(_ context.Context, v *kv.View) ([]byte, error) {
	value, _ := v.Get("/a")
	return []byte(value + "\n"), nil
}

// runner ends every command in one way.
type runner struct {
	result command.Result
	err    error
	ran    []string
}

func (r *runner) Run(_ context.Context, c command.Command) (command.Result, error) {
	r.ran = append(r.ran, c.Shell)
	return r.result, r.err
}

type bench struct {
	t    *testing.T
	dir  string
	run  runner
	log  bytes.Buffer
	now  time.Time
	spec resource.Spec
	when string
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b.spec = resource.Spec{ID: "x", Scope: kv.NewScope("", []string{"/"}), Reload: command.Command{Shell: "reload"}}
	b.spec.Target = stage.Target{Path: filepath.Join(b.dir, "x"), UID: -1, GID: -1}
	return b
}

// start is a resource as a wconf that starts now makes it.
func (b *bench) start() *resource.Resource {
	parts := resource.Parts{Renderer: echo{}, Stager: &stage.Disk{}, Commands: &b.run, Ledger: ledger.Open(filepath.Join(b.dir, "state")),
		Log: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if b.when != "" {
		g, err := gate.Compile(b.when, gate.Options{})
		if err != nil {
			b.t.Fatal(err)
		}
		parts.Condition = g
	}
	return resource.New(b.spec, parts)
}

// apply applies what /a = value makes, with the change that led there.
func (b *bench) apply(r *resource.Resource, old, value string) resource.Outcome {
	s := kv.NewSnapshot([]kv.Pair{{Key: "/a", Value: value}, {Key: "/tls/key", Value: "hunter2"}})
	p, err := r.Plan(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	b.now = b.now.Add(time.Minute)
	c := resource.Cause{Reason: "keys", Now: b.now}
	if old != value {
		c.Changes = []kv.Change{{Key: "/a", Old: &old, New: &value}}
	}
	return r.Apply(b.t.Context(), p, c)
}

// reload settles what is owed.
func (b *bench) reload(r *resource.Resource) {
	d, ok := r.Debt()
	if !ok {
		b.t.Fatal("nothing is owed")
	}
	result := r.Reload(b.t.Context())
	result.At = b.now
	if err := d.Settle(result); err != nil {
		b.t.Fatal(err)
	}
}

// What a check prints reaches the log, without the values of secret keys.
func TestOutputOfCommands(t *testing.T) {
	b := newBench(t)
	b.spec.Check, b.spec.Secrets = command.Command{Shell: "check {{.src}}"}, kv.NewSecrets(b.spec.Scope, []string{"/tls/**"}, nil)
	b.run = runner{result: command.Result{Exit: 1, Output: []byte("line 3: bad key hunter2 in x\n")}, err: errors.New("exit status 1")}
	out := b.apply(b.start(), "", "1")
	if out.State != resource.Failed || out.Step != "check" {
		t.Fatalf("%+v", out)
	}
	if log := b.log.String(); strings.Contains(log, "hunter2") || !strings.Contains(log, "bad key ******** in x") {
		t.Errorf("log:\n%s", log)
	}
}

// A skipped change is not made up for by a restart, and still counts.
func TestSkipSurvivesRestart(t *testing.T) {
	b := newBench(t)
	b.when = `first && len(changed) == 0 || abs(delta("/a")) >= 3`
	r := b.start()
	if out := b.apply(r, "0", "0"); !out.Reload {
		t.Fatalf("first: %+v", out)
	}
	b.reload(r)
	if out := b.apply(r, "0", "2"); !out.Written || !out.Skipped || out.Reload {
		t.Fatalf("a small change: %+v", out)
	}
	r = b.start() // again
	if out := b.apply(r, "2", "2"); out.State != resource.InSync || out.Reload {
		t.Fatalf("after the restart: %+v", out)
	}
	if out := b.apply(r, "2", "3"); !out.Reload {
		t.Fatalf("three in all, since the reload: %+v", out)
	}
}

// What a condition held back while wconf was stopped is judged again.
func TestHeldSurvivesRestart(t *testing.T) {
	b := newBench(t)
	b.when = `last.count == 0 || every("1h")`
	r := b.start()
	if out := b.apply(r, "", "1"); !out.Reload {
		t.Fatalf("first: %+v", out)
	}
	b.reload(r)
	if out := b.apply(r, "1", "2"); out.State != resource.Held || out.Written {
		t.Fatalf("held: %+v", out)
	}
	r = b.start()
	if out := b.apply(r, "2", "2"); out.State != resource.Held || !out.Wake.Equal(b.now.Add(58*time.Minute)) {
		t.Fatalf("after the restart: %+v at %v", out, b.now)
	}
	b.now = b.now.Add(time.Hour)
	if out := b.apply(r, "2", "2"); !out.Reload || !out.Written {
		t.Fatalf("an hour later: %+v", out)
	}
}

// A reload that runs settles what was there when it began; what was written
// meanwhile is owed.
func TestWriteDuringReload(t *testing.T) {
	b := newBench(t)
	r := b.start()
	b.apply(r, "", "1")
	d, _ := r.Debt()
	b.apply(r, "1", "2")
	if err := d.Settle(resource.Reloaded{At: b.now}); err != nil {
		t.Fatal(err)
	}
	if _, owed := r.Debt(); !owed {
		t.Error("the second content is not owed")
	}
	if r = b.start(); !b.apply(r, "2", "2").Reload {
		t.Error("not after a restart either")
	}
}

// Whatever makes the new content is unable to touch a directory.
func TestDestIsDirectory(t *testing.T) {
	b := newBench(t)
	os.MkdirAll(filepath.Join(b.dir, "x", "inside"), 0o755)
	out := b.apply(b.start(), "", "1")
	if out.State != resource.Failed || out.Step != "stage" {
		t.Fatalf("%+v", out)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "x", "inside")); err != nil {
		t.Error(err)
	}
}

// A reload that failed is owed whatever the condition says later.
func TestFailedReloadIsNotSkipped(t *testing.T) {
	b := newBench(t)
	b.when = `first || touched("/b")`
	r := b.start()
	if out := b.apply(r, "", "1"); !out.Reload {
		t.Fatalf("first: %+v", out)
	}
	b.run.err = errors.New("exit status 1")
	b.reload(r)
	if out := b.apply(r, "1", "1"); !out.Reload || out.State != resource.Owed {
		t.Errorf("after the failure: %+v", out)
	}
	if out := b.apply(b.start(), "1", "1"); !out.Reload {
		t.Errorf("after a restart: %+v", out)
	}
}

// A destination that somebody removed is drift, like one that was edited.
func TestRemovedIsDrift(t *testing.T) {
	b := newBench(t)
	b.spec.ReportDrift = true
	r := b.start()
	b.apply(r, "", "1")
	os.Remove(b.spec.Target.Path)
	if out := b.apply(r, "1", "1"); out.Reason != "drift" || out.Written {
		t.Errorf("%+v", out)
	}
}
