package command_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/needs"
)

func TestMain(m *testing.M) {
	command.Init()
	os.Exit(m.Run())
}

func run(t testing.TB, c command.Command) (command.Result, *command.Failed) {
	t.Helper()
	r, err := command.Exec{Grace: 100 * time.Millisecond, Shutdown: 100 * time.Millisecond}.Run(context.Background(), c)
	var failed *command.Failed
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return r, failed
}

func sh(text string) command.Command { return command.Command{Shell: text} }

func TestRun(t *testing.T) {
	t.Setenv("OF_WCONF", "own")
	r, failed := run(t, sh(`echo "$0 $OF_WCONF $(pwd)"; cat; echo two >&2`))
	cwd, _ := os.Getwd()
	if want := "/bin/sh own " + cwd + "\ntwo\n"; string(r.Output) != want || failed != nil || r.Exit != 0 {
		t.Errorf("got %q, %v; want %q", r.Output, failed, want)
	}
	r, failed = run(t, command.Command{Argv: []string{"echo", "{{.src}}", "a {{.dest}} $(b)"}, Src: "/s s", Dest: "/d"})
	if want := "/s s a /d $(b)\n"; string(r.Output) != want || failed != nil {
		t.Errorf("got %q, %v; want %q", r.Output, failed, want)
	}
}

func TestFailures(t *testing.T) {
	for text, want := range map[string]string{
		"exit 3":       "exit status 3",
		"kill -9 $$":   "ended by SIGKILL",
		"/none/such":   "exit status 127",
		"echo s; exit": "",
	} {
		_, failed := run(t, sh(text))
		if got := ""; failed != nil {
			got = failed.Error()
			if got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
		} else if want != "" {
			t.Errorf("%s went well", text)
		}
	}
	for _, c := range []command.Command{{}, {Shell: "a", Argv: []string{"b"}}, {Argv: []string{"/none/such"}}} {
		if _, err := (command.Exec{}).Run(context.Background(), c); err == nil {
			t.Errorf("%+v went well", c)
		}
	}
	_, failed := run(t, sh("echo secret; exit 1"))
	if strings.Contains(failed.Error(), "secret") || string(failed.Output) != "secret\n" {
		t.Errorf("error %q, output %q", failed, failed.Output)
	}
}

func TestOutputIsBounded(t *testing.T) {
	r, failed := run(t, sh("yes 0123456789 | head -c 20000000; echo; echo end"))
	if failed != nil || len(r.Output) != 64<<10 || !r.Truncated || !strings.HasSuffix(string(r.Output), "\nend\n") {
		t.Errorf("%d bytes, truncated %v, %v", len(r.Output), r.Truncated, failed)
	}
	r, _ = run(t, sh("head -c 65536 /dev/zero"))
	if len(r.Output) != 64<<10 || r.Truncated {
		t.Errorf("%d bytes, truncated %v", len(r.Output), r.Truncated)
	}
}

// A child in the background that holds stdout neither blocks the command nor
// loses its reader.
func TestBackgroundChild(t *testing.T) {
	dir := t.TempDir()
	fifo, done := filepath.Join(dir, "fifo"), filepath.Join(dir, "done")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r, failed := run(t, command.Command{
		Shell: `(read go < {{.src}}; head -c 1000000 /dev/zero && echo ok > {{.dest}}.new; mv {{.dest}}.new {{.dest}}) & echo started`,
		Src:   fifo, Dest: done,
	})
	if failed != nil || string(r.Output) != "started\n" || r.Took > 5*time.Second {
		t.Fatalf("%q, %v after %v", r.Output, failed, r.Took)
	}
	if err := os.WriteFile(fifo, []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	if b := eventually(t, done); string(b) != "ok\n" {
		t.Errorf("the child in the background wrote %q", b)
	}
}

// eventually is the content of a file that another process makes.
func eventually(t *testing.T, path string) []byte {
	t.Helper()
	var b []byte
	come := func() (ok bool) {
		var err error
		b, err = os.ReadFile(path)
		return err == nil
	}
	if !needs.Await(20*time.Second, come) {
		t.Fatalf("%s never came", path)
	}
	return b
}

func alive(pid string) bool {
	n, _ := strconv.Atoi(strings.TrimSpace(pid))
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(n) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// patiently runs a command that says something when it is ready for SIGTERM. A
// busy machine may need longer for that than the command has; then it gets more.
func patiently(t *testing.T, e command.Exec, c command.Command) (command.Result, *command.Failed, time.Duration) {
	t.Helper()
	for c.Timeout = 100 * time.Millisecond; ; c.Timeout *= 4 {
		r, err := e.Run(context.Background(), c)
		var failed *command.Failed
		if !errors.As(err, &failed) || !failed.TimedOut {
			t.Fatalf("it did not time out: %v", err)
		}
		if len(r.Output) > 0 || c.Timeout > 10*time.Second {
			return r, failed, c.Timeout
		}
	}
}

func TestTimeout(t *testing.T) {
	r, failed, limit := patiently(t, command.Exec{Grace: 100 * time.Millisecond},
		sh(`trap '' TERM; sh -c 'trap "" TERM; while :; do sleep 1; done' & echo $!; wait; while :; do sleep 1; done`))
	if failed.Error() != "timed out after "+limit.String() || !errors.Is(failed, context.DeadlineExceeded) {
		t.Fatalf("%v", failed)
	}
	if r.Signal != "SIGKILL" || r.Took > limit+10*time.Second {
		t.Errorf("signal %q after %v", r.Signal, r.Took)
	}
	if !needs.Await(10*time.Second, func() bool { return !alive(string(r.Output)) }) {
		t.Fatalf("process %s of the group lives", r.Output)
	}
}

// Who obeys SIGTERM is not killed, and the rest of the group has the same time.
func TestTimeoutPolitely(t *testing.T) {
	r, _, _ := patiently(t, command.Exec{Grace: 3 * time.Second},
		sh(`trap 'echo parent; exit 7' TERM; (trap 'sleep 0.05; echo child' TERM; echo ready; while :; do sleep 0.01; done) & while :; do sleep 0.01; done`))
	if r.Exit != 7 || !strings.Contains(string(r.Output), "parent") || !strings.Contains(string(r.Output), "child") {
		t.Errorf("exit %d, output %q", r.Exit, r.Output)
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	path := filepath.Join(t.TempDir(), "up")
	go func() {
		eventually(t, path)
		cancel()
	}()
	_, err := command.Exec{}.Run(ctx, command.Command{Shell: "echo > {{.dest}}; exec sleep 100", Dest: path})
	var failed *command.Failed
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || failed.TimedOut || failed.Signal != "SIGTERM" {
		t.Errorf("%v", err)
	}
	if _, err := (command.Exec{}).Run(ctx, sh("true")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func BenchmarkRun(b *testing.B) {
	for name, c := range map[string]command.Command{"shell": sh("exit 0"), "words": {Argv: []string{"/bin/true"}}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run(b, c)
			}
		})
	}
}
