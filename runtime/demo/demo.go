// Package demo is the show of `wconf demo`: it builds a small world in a
// temporary directory and plays wconf's main job in it, beat by beat, on the
// real program. Each beat is also a test.
//
// It needs no root, no network and no program but wconf and /bin/sh.
package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

//go:embed world
var files embed.FS

// Options say how to play.
type Options struct {
	Wconf []string // how to call wconf: a program and its first arguments
	Dir   string   // an empty directory; "" makes one and removes it at the end
	Out   io.Writer
	Keep  bool // leave the directory
}

// beat is one scene: what the audience is told, and what happens.
type beat struct {
	title string
	play  func(*world) error
}

var beats = []beat{
	{"200 classic resources are rendered", fleet},
	{"one key changes: one file is rendered", oneKey},
	{"a broken value is refused by the check, the next good one is accepted", refused},
	{"a reload fails, wconf is killed, and the next wconf pays the debt", debt},
	{"a condition holds a reload, and opens", held},
	{"the same file by a template and by a Wasm guest", twins},
	{"a guest that asks for too much and one that never ends are stopped", stopped},
	{"the templates have tests", tested},
}

// Play plays every beat. It stops at the first that fails.
func Play(ctx context.Context, o Options) error {
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	fmt.Fprintf(o.Out, "wconf demo, in %s\n", w.dir)
	for i, b := range beats {
		fmt.Fprintf(o.Out, "\n%d. %s\n", i+1, b.title)
		if err := b.play(w); err != nil {
			return errors.Join(fmt.Errorf("beat %d: %w", i+1, err), w.lastLines())
		}
	}
	fmt.Fprintf(o.Out, "\nThat was wconf's main job, in %.1f s. README.md goes on from here.\n", time.Since(start).Seconds())
	return nil
}

func (w *world) say(format string, args ...any) { fmt.Fprintf(w.o.Out, "   "+format+"\n", args...) }

func fleet(w *world) error {
	begin := time.Now()
	if err := w.start(); err != nil {
		return err
	}
	err := w.wait("200 files", func() bool {
		return len(w.stamps("out/fleet")) == resources
	})
	w.say("%d files in %d ms, from the start of the program; each came by stage, check, fsync and rename", resources, time.Since(begin).Milliseconds())
	w.say("out/fleet/017.conf: %q", w.file("out/fleet/017.conf"))
	return err
}

func oneKey(w *world) error {
	before := w.stamps("out/fleet")
	begin := time.Now()
	w.set("/fleet/017/port", "9999")
	if err := w.wait("the new port", func() bool { return w.file("out/fleet/017.conf") == "host 017 listens on 9999\n" }); err != nil {
		return err
	}
	took, n := time.Since(begin), 0
	for name, stamp := range w.stamps("out/fleet") {
		if before[name] != stamp {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%d files were written", n)
	}
	w.say("%d of %d files written, %d ms after the key", n, resources, took.Milliseconds())
	return nil
}

func refused(w *world) error {
	old := w.file("out/checked.conf")
	w.set("/checked/value", "BROKEN")
	if err := w.wait("the refusal", func() bool { return w.logged("resource=checked", "step=check") }); err != nil {
		return err
	}
	if w.file("out/checked.conf") != old {
		return errors.New("the broken value is on disk")
	}
	w.say("refused: %s", w.line("resource=checked", "step=check"))
	w.say("on disk still: %q", old)
	w.set("/checked/value", "fine again")
	if err := w.wait("the good value", func() bool { return w.file("out/checked.conf") == "value fine again\n" }); err != nil {
		return err
	}
	w.say("then:          %q", w.file("out/checked.conf"))
	return nil
}

func debt(w *world) error {
	if err := w.write("broken", "the service does not reload while this file is here\n"); err != nil {
		return err
	}
	w.set("/service/mode", "blue")
	if err := w.wait("the failed reload", func() bool { return w.logged("reload_cmd failed") }); err != nil {
		return err
	}
	w.say("file: %q, service: %q, and the reload is owed", w.file("out/service.conf"), w.file("loaded"))
	w.kill()
	w.say("kill -9")
	if err := os.Remove(w.path("broken")); err != nil {
		return err
	}
	if err := w.start(); err != nil {
		return err
	}
	if err := w.wait("the debt to be paid", func() bool { return w.file("loaded") == "mode blue\n" }); err != nil {
		return err
	}
	w.say("started again, no key changed; service: %q", w.file("loaded"))
	return nil
}

func held(w *world) error {
	const quiet = 2 * time.Second // as the resource says
	isHeld := func() bool { return w.logged("reload held", "resource=patient") }
	old, begin, n := "", time.Time{}, 1
	loaded := func() bool { return w.file("patient.loaded") == fmt.Sprintf("n %d\n", n) }
	// The wconf that has just been started may not have come to this resource yet,
	// and its first judgement lets the change pass. The next one waits.
	for n == 1 || n == 2 && !isHeld() {
		n++
		old, begin = w.file("out/patient.conf"), time.Now()
		w.set("/patient/n", fmt.Sprint(n))
		if err := w.wait("the hold", func() bool { return isHeld() || n == 2 && loaded() }); err != nil {
			return err
		}
	}
	// A busy machine may tell of the hold when it is over, but it ends no earlier.
	if w.file("out/patient.conf") != old && time.Since(begin) < quiet {
		return errors.New("what is held is on disk")
	}
	w.say("held: %s", w.line("reload held", "resource=patient"))
	if err := w.wait("the condition to open", loaded); err != nil {
		return err
	}
	took := time.Since(begin)
	if took < quiet {
		return fmt.Errorf("it opened after %s", took)
	}
	w.say("file and reload together, after %.1f s without a change", took.Seconds())
	return nil
}

func twins(w *world) error {
	same := func() bool {
		a, b := w.file("out/nginx-template.conf"), w.file("out/nginx-guest.conf")
		return a != "" && a == b
	}
	if err := w.wait("two equal files", same); err != nil {
		return err
	}
	w.set("/services/web/7/port", "7777")
	if err := w.wait("both to follow", func() bool { return same() && w.holds("out/nginx-guest.conf", ":7777 ") }); err != nil {
		return err
	}
	w.say("%d bytes, the same to the last, before and after a change", len(w.file("out/nginx-guest.conf")))
	return nil
}

func stopped(w *world) error {
	if err := w.wait("nosy to be stopped", func() bool { return w.refused("nosy") != "" }); err != nil {
		return err
	}
	w.say("%s", w.refused("nosy"))
	var n int
	var slowest time.Duration
	for try := 1; n == 0; try++ { // a machine that stands still for all of the guest's time shows nothing
		name := fmt.Sprint("endless-", try)
		if err := w.write("conf.d/"+name+".toml", w.file("later/endless.toml")); err != nil {
			return err
		}
		var err error
		if n, slowest, err = w.meanwhile(name); err != nil {
			return err
		}
		if err := os.Remove(w.path("conf.d/" + name + ".toml")); err != nil {
			return err
		}
		if n == 0 && try == 3 {
			return errors.New("nothing else went on while it ran")
		}
	}
	for _, name := range []string{"nosy", "endless"} {
		if w.file("out/"+name+".conf") != "" {
			return fmt.Errorf("%s wrote a file", name)
		}
	}
	w.say("while it ran, another resource followed its key %d times, the slowest in %d ms", n, slowest.Milliseconds())
	return nil
}

// refused is the line that says that a resource was not applied.
func (w *world) refused(resource string) string {
	return w.line("not applied", "resource="+resource)
}

// change is a change of a key, until the file had it.
type change struct{ begin, end time.Time }

func (w *world) follow(value string) (c change, err error) {
	c.begin = time.Now()
	w.set("/checked/value", value)
	err = w.wait("the others to go on", func() bool { return w.file("out/checked.conf") == "value "+value+"\n" })
	c.end = time.Now()
	return c, err
}

// meanwhile changes a key again and again until an endless guest has been stopped.
// It counts the changes of the time in which the guest ran, which its line names,
// and finds the slowest.
func (w *world) meanwhile(endless string) (n int, slowest time.Duration, err error) {
	var changes []change
	for w.refused(endless) == "" {
		c, err := w.follow(fmt.Sprintf("%s %d", endless, len(changes)))
		if err != nil {
			return 0, 0, err
		}
		if w.refused(endless) == "" {
			changes = append(changes, c)
		}
		if len(changes) == 1000 { // a minute, and it may take a second
			return 0, 0, errors.New("the endless guest was not stopped")
		}
	}
	line, over := w.refused(endless), time.Now()
	_, ran, _ := strings.Cut(line, "it was stopped after ")
	ran, _, _ = strings.Cut(ran, " ")
	took, err := time.ParseDuration(ran)
	if err != nil {
		return 0, 0, fmt.Errorf("how long did it run? %s", line)
	}
	for _, c := range changes {
		if c.end.After(over.Add(-took)) {
			n, slowest = n+1, max(slowest, c.end.Sub(c.begin))
		}
	}
	if n > 0 {
		w.say("%s", line)
	}
	return n, slowest, nil
}

func tested(w *world) error {
	out, err := w.run("test", "tests")
	for _, line := range lines(out) {
		w.say("%s", line)
	}
	return err
}
