package runtime_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/needs"
)

// site is a directory with a configuration, and the program that runs on it.
// The resource "app" has a file `out`; each reload adds what it loads, on one
// line, to `reloads`.
type site struct {
	t      *testing.T
	dir    string
	wconf  string
	flags  []string
	daemon *exec.Cmd
}

// newSite writes the resource app; settings are more lines of it.
func newSite(t *testing.T, wconf, settings, template string, flags ...string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), wconf: wconf, flags: flags}
	s.file("conf.d/app.toml", "[template]\nsrc = \"app.tmpl\"\ndest = \"out\"\n"+settings+"\n")
	s.file("templates/app.tmpl", template)
	return s
}

const noteReload = "reload_cmd = \"tr '\\\\n' ' ' < out >> reloads; echo >> reloads\"\n"

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) file(name, text string) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	s.must(os.WriteFile(s.path(name), []byte(text), 0o644))
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) text(name string) string {
	text, _ := os.ReadFile(s.path(name))
	return string(text)
}

// outcome is what a run of the program did.
type outcome struct {
	code   int
	output string
	took   time.Duration
	busy   time.Duration // of processors
	memory int64         // most bytes in memory
}

// run runs the program to its end.
func (s *site) run(args ...string) outcome { return s.runFor(time.Minute, args...) }

// runFor kills the program after a time.
func (s *site) runFor(most time.Duration, args ...string) outcome {
	s.t.Helper()
	ctx, stop := needs.Context(s.t.Context(), most)
	defer stop()
	cmd := exec.CommandContext(ctx, s.wconf, append(append([]string{}, args...), s.flags...)...)
	cmd.Args = append(cmd.Args, "-confdir", ".", "-state-dir", "state")
	cmd.Dir = s.dir
	begun := time.Now()
	out, _ := cmd.CombinedOutput()
	o := outcome{code: cmd.ProcessState.ExitCode(), output: string(out), took: time.Since(begun)}
	o.busy = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.memory = use.Maxrss << 10
	}
	return o
}

// start starts the daemon, and a reader that must never see anything but a
// whole file: whole says what that is.
func (s *site) start(whole func(text string) bool) {
	s.t.Helper()
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	s.must(err)
	defer log.Close()
	s.daemon = exec.Command(s.wconf, append([]string{"-watch", "-confdir", ".", "-state-dir", "state", "-interval", "5"}, s.flags...)...)
	s.daemon.Dir, s.daemon.Stderr = s.dir, log
	s.must(s.daemon.Start())
	ctx, stop := context.WithCancel(context.Background())
	var reader sync.WaitGroup
	reader.Go(func() { s.read(ctx, whole) })
	s.t.Cleanup(func() {
		stop()
		reader.Wait()
		s.daemon.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
		s.daemon.Wait()                          //nolint:errcheck // its code is not the matter
		if s.t.Failed() {
			text := s.text("log")
			s.t.Logf("%s", text[max(0, len(text)-4000):])
		}
	})
}

func (s *site) read(ctx context.Context, whole func(string) bool) {
	for seen := false; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(s.path("out"))
		switch {
		case err != nil && !seen:
		case err != nil:
			s.t.Errorf("the file is gone: %v", err)
			return
		case !whole(string(text)):
			s.t.Errorf("the file was %q", text)
			return
		default:
			seen = true
		}
	}
}

// becomes waits until a file has a text.
func (s *site) becomes(name, want string, within time.Duration) {
	s.t.Helper()
	if !needs.Await(within, func() bool { return s.text(name) == want }) {
		s.t.Fatalf("%s is %q after %v, want %q", name, s.text(name), within, want)
	}
}

// says waits until the daemon's log has a text.
func (s *site) says(want string) {
	s.t.Helper()
	if !needs.Await(soon, func() bool { return strings.Contains(s.text("log"), want) }) {
		s.t.Fatalf("the log never says %q", want)
	}
}

// stays fails when a file changes within a time.
func (s *site) stays(name, want string, during time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if text := s.text(name); text != want {
			s.t.Fatalf("%s became %q, want %q", name, text, want)
		}
	}
}

// reloaded waits until the reloads are these, and no more come.
func (s *site) reloaded(want ...string) {
	s.t.Helper()
	text := ""
	for _, w := range want {
		text += strings.ReplaceAll(w, "\n", " ") + "\n"
	}
	s.becomes("reloads", text, soon)
	s.stays("reloads", text, 300*time.Millisecond)
}

// reloads is what each reload has loaded.
func (s *site) reloads() []string {
	return strings.Split(strings.TrimSuffix(s.text("reloads"), "\n"), "\n")
}

// oncePerWrite waits until nothing more is reloaded, and fails where more was
// reloaded than written.
func (s *site) oncePerWrite() {
	s.t.Helper()
	for before := -1; before != len(s.reloads()); time.Sleep(500 * time.Millisecond) {
		before = len(s.reloads())
	}
	if written := strings.Count(s.text("log"), " updated "); len(s.reloads()) > written {
		s.t.Errorf("%d reloads of %d writes", len(s.reloads()), written)
	}
}

// soon is how long a machine under load may take for what is done at once.
const soon = 20 * time.Second

// stamped is a file whose first and last line have the same stamp.
func stamped(text string) bool {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return len(lines) > 1 && strings.HasPrefix(lines[0], "stamp ") && lines[0] == lines[len(lines)-1]
}

const stampTemplate = `stamp {{getv "/a/stamp"}}
{{range gets "/a/list/*"}}{{.Value}}
{{end}}stamp {{getv "/a/stamp"}}
`

// stampText is what the template makes.
func stampText(stamp any, list ...string) string {
	text := fmt.Sprintf("stamp %v\n", stamp)
	for _, l := range list {
		text += l + "\n"
	}
	return text + fmt.Sprintf("stamp %v\n", stamp)
}
