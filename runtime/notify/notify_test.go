package notify

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"

	"github.com/wconf/wconf/runtime/needs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/wconf/wconf/runtime/needs.Patience.func1"))
}

// watched starts a watcher that looks by itself only when it has to, and takes
// the first telling.
func watched(t *testing.T, w Watcher, paths ...string) <-chan []string {
	t.Helper()
	if w.Quiet == 0 {
		w.Quiet = 5 * time.Millisecond
	}
	if w.Sweep == 0 {
		w.Sweep = time.Hour
	}
	out, ended := make(chan []string), make(chan error)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- w.Watch(ctx, paths, out) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch ended with %v", err)
		}
	})
	if first := told(t, out); !slices.Equal(first, slices.Compact(slices.Sorted(slices.Values(paths)))) {
		t.Fatalf("first told %q, want all of %q", first, paths)
	}
	return out
}

func told(t *testing.T, out <-chan []string) []string {
	t.Helper()
	select {
	case paths := <-out:
		return paths
	case <-needs.Patience(10 * time.Second):
		t.Fatal("nothing was told")
		return nil
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// scene makes a directory with a file in it, a link to a directory and one to
// the file.
func scene(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	write(t, dir+"/conf/a.yaml", "1")
	write(t, dir+"/conf/sub/b.yaml", "1")
	write(t, dir+"/v1/c.yaml", "1")
	write(t, dir+"/v2/c.yaml", "2")
	must(t, os.Link(dir+"/v2/c.yaml", dir+"/v2/linked.yaml"))
	must(t, os.Link(dir+"/v2/c.yaml", dir+"/linked.yaml"))
	must(t, os.Symlink("v1", dir+"/..data"))
	must(t, os.Symlink("..data/c.yaml", dir+"/c.yaml"))
	must(t, os.Symlink(dir+"/v1", dir+"/conf/linked"))
	for _, name := range []string{"conf/a.yaml", "conf/sub/b.yaml", "v1/c.yaml", "v2/c.yaml"} { // else what is written within the same tick of the clock looks the same
		must(t, os.Chtimes(filepath.Join(dir, name), time.Unix(1, 0), time.Unix(1, 0)))
	}
	return dir
}

// changes are what editors, deployments and Kubernetes do to files.
var changes = map[string]struct {
	watch  string
	change func(t *testing.T, dir string)
}{
	"write": {"conf/a.yaml", func(t *testing.T, dir string) { write(t, dir+"/conf/a.yaml", "2") }},
	"append": {"conf/a.yaml", func(t *testing.T, dir string) {
		f, err := os.OpenFile(dir+"/conf/a.yaml", os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString("x")
		must(t, errors.Join(err, f.Close()))
	}},
	"renamed over": {"conf/a.yaml", func(t *testing.T, dir string) {
		write(t, dir+"/conf/.a.new", "2")
		must(t, os.Rename(dir+"/conf/.a.new", dir+"/conf/a.yaml"))
	}},
	"renamed over from elsewhere": {"conf/a.yaml", func(t *testing.T, dir string) {
		must(t, os.Rename(dir+"/v2/c.yaml", dir+"/conf/a.yaml"))
	}},
	"through another name": {"linked.yaml", func(t *testing.T, dir string) { write(t, dir+"/v2/linked.yaml", "2") }},
	"removed":              {"conf/a.yaml", func(t *testing.T, dir string) { must(t, os.Remove(dir+"/conf/a.yaml")) }},
	"mode":                 {"conf/a.yaml", func(t *testing.T, dir string) { must(t, os.Chmod(dir+"/conf/a.yaml", 0o600)) }},
	"appears":              {"conf/new.yaml", func(t *testing.T, dir string) { write(t, dir+"/conf/new.yaml", "1") }},
	"appears far away":     {"x/y/z/new.yaml", func(t *testing.T, dir string) { write(t, dir+"/x/y/z/new.yaml", "1") }},
	"links swapped": {"c.yaml", func(t *testing.T, dir string) { // as Kubernetes updates a ConfigMap
		must(t, os.Symlink("v2", dir+"/..data_tmp"))
		must(t, os.Rename(dir+"/..data_tmp", dir+"/..data"))
	}},
	"target of links written": {"c.yaml", func(t *testing.T, dir string) { write(t, dir+"/v1/c.yaml", "3") }},
	"directory swapped": {"conf/a.yaml", func(t *testing.T, dir string) {
		must(t, os.Rename(dir+"/conf", dir+"/conf.old"))
		must(t, os.Rename(dir+"/v2", dir+"/conf"))
	}},
	"directory above swapped": {"conf/sub/b.yaml", func(t *testing.T, dir string) {
		must(t, os.Rename(dir+"/conf", dir+"/conf.old"))
	}},
	"below a directory":          {"conf", func(t *testing.T, dir string) { write(t, dir+"/conf/sub/b.yaml", "2") }},
	"new below a directory":      {"conf", func(t *testing.T, dir string) { write(t, dir+"/conf/p/q/r.yaml", "2") }},
	"removed below a directory":  {"conf", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir+"/conf/sub")) }},
	"through a link to a direct": {"conf", func(t *testing.T, dir string) { write(t, dir+"/v1/d.yaml", "2") }},
	"directory removed":          {"conf", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir+"/conf")) }},
	"the link to a directory":    {"..data", func(t *testing.T, dir string) { write(t, dir+"/v1/c.yaml", "3") }},
}

func TestNotices(t *testing.T) {
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			dir := scene(t)
			path := filepath.Join(dir, c.watch)
			out := watched(t, Watcher{}, path)
			c.change(t, dir)
			if got := told(t, out); !slices.Equal(got, []string{path}) {
				t.Errorf("told %q", got)
			}
		})
	}
}

// The same without the kernel's help, in the time of the poll.
func TestNoticesByPolling(t *testing.T) {
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			dir := scene(t)
			path := filepath.Join(dir, c.watch)
			synctest.Test(t, func(t *testing.T) {
				out := watched(t, Watcher{open: refuse}, path)
				start := time.Now()
				c.change(t, dir)
				if got := told(t, out); !slices.Equal(got, []string{path}) {
					t.Errorf("told %q", got)
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("told after %v", took)
				}
				synctest.Wait()
				select {
				case got := <-out:
					t.Errorf("told %q although nothing changed", got)
				case <-time.After(time.Minute):
				}
			})
		})
	}
}

func refuse() (*fsnotify.Watcher, error) { return nil, syscall.EMFILE }

// Whoever reads on every telling sees every step, also in directories that
// came and went before.
func TestKeepsUp(t *testing.T) {
	dir := scene(t)
	path := dir + "/life"
	file := path + "/deep/a.yaml"
	out := watched(t, Watcher{}, path)
	for _, step := range []struct {
		change func()
		want   string // what the file says then; empty: it is not there
	}{
		{func() { write(t, file, "1") }, "1"},
		{func() { write(t, file, "2") }, "2"},
		{func() { must(t, os.RemoveAll(path)) }, ""},
		{func() { write(t, file, "3") }, "3"},
		{func() { write(t, file, "4") }, "4"},
		{func() { must(t, os.Rename(path, path+".old")) }, ""},
		{func() { must(t, os.Rename(path+".old", path)) }, "4"},
		{func() { write(t, file, "5") }, "5"},
		{func() { must(t, os.Rename(path, path+".away")) }, ""},
		{func() { write(t, file, "5a") }, "5a"}, // other directories by the same names
		{func() { write(t, file, "5b") }, "5b"},
		{func() { must(t, os.Rename(path, path+".gone")); write(t, file, "5c") }, "5c"},
		{func() { write(t, file, "5d") }, "5d"},
		{func() { must(t, os.Remove(file)) }, ""},
		{func() { must(t, os.Symlink(dir+"/v1/c.yaml", file)) }, "1"},
		{func() { write(t, dir+"/v1/c.yaml", "6") }, "6"},
		{func() { must(t, os.RemoveAll(path)) }, ""},
		{func() { must(t, os.Symlink("there", path)) }, ""},
		{func() { write(t, dir+"/there/deep/a.yaml", "7") }, "7"},
	} {
		step.change()
		for read := "unread"; read != step.want; {
			told(t, out)
			text, _ := os.ReadFile(file)
			read = string(text)
		}
	}
}

func TestTellsOnlyWhatChanged(t *testing.T) {
	dir := scene(t)
	a, sub, gone := dir+"/conf/a.yaml", dir+"/conf/sub", dir+"/absent"
	out := watched(t, Watcher{}, sub, a, gone, a)
	write(t, dir+"/v2/c.yaml", "unrelated")
	write(t, dir+"/conf/other.yaml", "unrelated")
	write(t, a, "2")
	if got := told(t, out); !slices.Equal(got, []string{a}) {
		t.Errorf("told %q, want only %q", got, a)
	}
}

// Files in one directory share the way to it: what happens on it concerns all.
func TestTellsAllOfOneDirectory(t *testing.T) {
	dir := scene(t)
	through, b := dir+"/conf/linked/c.yaml", dir+"/v1/c.yaml"
	out := watched(t, Watcher{}, through, b, dir+"/conf/a.yaml")
	must(t, os.Rename(dir+"/v1", dir+"/gone"))
	must(t, os.Rename(dir+"/v2", dir+"/v1"))
	seen := map[string]bool{}
	for !seen[through] || !seen[b] {
		for _, p := range told(t, out) {
			seen[p] = true
		}
	}
	write(t, dir+"/v1/c.yaml", "3")
	if got := told(t, out); !slices.Equal(got, []string{through, b}) {
		t.Errorf("told %q, want what is in the new directory", got)
	}
}

// While nobody receives, changes are gathered and the kernel's queue is read.
func TestGathers(t *testing.T) {
	dir := scene(t)
	a, b := dir+"/conf/a.yaml", dir+"/conf/sub/b.yaml"
	out := watched(t, Watcher{}, a, b)
	for range 200 {
		write(t, a, "x")
	}
	write(t, b, "x")
	seen := map[string]bool{}
	for !seen[a] || !seen[b] {
		for _, p := range told(t, out) {
			seen[p] = true
		}
	}
}

// A file that never rests is told of all the same.
func TestRestless(t *testing.T) {
	dir := scene(t)
	path := dir + "/conf/a.yaml"
	out := watched(t, Watcher{Quiet: 50 * time.Millisecond}, path)
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				os.WriteFile(path, []byte("x"), 0o644)
			}
		}
	}()
	told(t, out)
	close(stop)
	<-ended
}

// Some changes never come through the kernel: those by other machines, those
// through another name of the file.
func TestSweeps(t *testing.T) {
	dir := scene(t)
	must(t, os.Link(dir+"/conf/a.yaml", dir+"/v2/other-name"))
	out := watched(t, Watcher{Sweep: 20 * time.Millisecond}, dir+"/conf")
	write(t, dir+"/v2/other-name", "changed")
	told(t, out)
}

func TestPollsUntilTheKernelHelps(t *testing.T) {
	dir := scene(t)
	var log strings.Builder
	t.Cleanup(func() {
		if n := strings.Count(log.String(), "max_user_watches"); n != 1 {
			t.Errorf("said %d times that it polls:\n%s", n, &log)
		}
	})
	asked := 0
	out := watched(t, Watcher{
		Poll: time.Millisecond,
		Log:  slog.New(slog.NewTextHandler(&log, nil)),
		open: func() (*fsnotify.Watcher, error) {
			if asked++; asked < 4 {
				return nil, syscall.EMFILE
			}
			return fsnotify.NewWatcher()
		},
	}, dir+"/conf/a.yaml", dir+"/v2/c.yaml")
	write(t, dir+"/conf/a.yaml", "2")
	told(t, out)
}
