package file

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/backendtest"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/problem"
)

func TestConformance(t *testing.T) {
	for name, save := range map[string]func(t *testing.T, path string, text []byte){
		"renamed over": func(t *testing.T, path string, text []byte) {
			must(t, os.WriteFile(path+".new", text, 0o644))
			must(t, os.Rename(path+".new", path))
		},
		"written in place": func(t *testing.T, path string, text []byte) {
			must(t, os.WriteFile(path, text, 0o644))
		},
		"removed first": func(t *testing.T, path string, text []byte) {
			os.Remove(path)
			must(t, os.WriteFile(path, text, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			backendtest.Suite(t, backendtest.Harness{Open: func(t *testing.T, pairs []kv.Pair) backendtest.Store {
				var tree backendtest.Tree
				path := filepath.Join(t.TempDir(), "keys.yaml")
				f := opened(t, backend.Config{Files: []string{path}})
				f.grace = time.Minute // however long a busy machine takes to save
				apply := func(puts []kv.Pair, deletes []string) {
					tree.Apply(puts, deletes)
					save(t, path, tree.JSON())
				}
				apply(pairs, nil)
				return backendtest.Store{Backend: f, Apply: apply}
			}})
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, c backend.Config) *files {
	t.Helper()
	b, err := Factory.Open(c)
	must(t, err)
	f := b.(*files)
	f.grace = 100 * time.Millisecond
	f.watcher.Quiet = time.Millisecond
	t.Cleanup(func() { b.Close() })
	return f
}

// replace puts a whole file at a path. Written in place it is empty for a moment, and on a
// busy machine for longer than the grace.
func replace(t *testing.T, path, text string) {
	t.Helper()
	next := filepath.Join(t.TempDir(), "next")
	must(t, os.WriteFile(next, []byte(text), 0o644))
	must(t, os.Rename(next, path))
}

// tree writes files below a new directory, and returns it.
func tree(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func keys(t *testing.T, b backend.Backend, prefixes ...string) map[string]string {
	t.Helper()
	l, err := b.List(t.Context(), prefixes)
	must(t, err)
	m := map[string]string{}
	for _, p := range l.Pairs {
		if _, twice := m[p.Key]; twice {
			t.Errorf("%s is listed twice", p.Key)
		}
		m[p.Key] = p.Value
	}
	return m
}

func expect(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFormats(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.yaml": "y: {port: 80, list: [a, b], empty: {}, none: }\n",
		"b.json": `{"j": {"port": 81, "on": true}}`,
		"c.toml": "[t]\nport = 82\n",
		"d":      "plain: yes\n",
		"e.yaml": "",
	})
	expect(t, keys(t, opened(t, backend.Config{Files: []string{dir}}), "/"), map[string]string{
		"/y/port": "80", "/y/list/0": "a", "/y/list/1": "b", "/j/port": "81", "/j/on": "true", "/t/port": "82", "/plain": "yes",
	})
}

func TestLaterFilesWin(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: a\nonly: a\n", "b.yaml": "k: b\n"})
	a, b := dir+"/a.yaml", dir+"/b.yaml"
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{a, b}, "b"}, {[]string{b, a}, "a"}, {[]string{a, b, a}, "a"}, {[]string{dir}, "b"}, {[]string{dir, a}, "a"},
	} {
		expect(t, keys(t, opened(t, backend.Config{Files: c.files}), "/"), map[string]string{"/k": c.want, "/only": "a"})
	}
}

func TestDirectories(t *testing.T) {
	dir := tree(t, map[string]string{
		"10.yaml":            "v: 10\n",
		"sub/deep/20.yaml":   "v: 20\nsub: 1\n",
		"sub/deep/notes.txt": "text: 1\n",
		"z.yml":              "z: 1\n",
	})
	must(t, syscall.Mkfifo(dir+"/pipe.yaml", 0o644)) // nobody writes it: it must not be opened
	must(t, os.Symlink("..", dir+"/sub/loop"))
	expect(t, keys(t, opened(t, backend.Config{Files: []string{dir}}), "/"), map[string]string{"/v": "20", "/sub": "1", "/text": "1", "/z": "1"})
	expect(t, keys(t, opened(t, backend.Config{Files: []string{dir}, Filter: "*.yaml"}), "/"), map[string]string{"/v": "20", "/sub": "1"})
	expect(t, keys(t, opened(t, backend.Config{Files: []string{dir}, Filter: "none"}), "/"), map[string]string{})
}

func TestEditorsLitterIsNoStore(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: new\n", "a.yaml~": "k: old\n", "#a.yaml#": "k: {", ".a.yaml.swp": "b0VIM\x00{"})
	must(t, os.Symlink("user@host.1234", dir+"/.#a.yaml"))
	expect(t, keys(t, opened(t, backend.Config{Files: []string{dir}}), "/"), map[string]string{"/k": "new"})
	expect(t, keys(t, opened(t, backend.Config{Files: []string{dir}, Filter: "*~"}), "/"), map[string]string{"/k": "old"})
}

func TestLinkedFilesAreReadOnce(t *testing.T) {
	dir := tree(t, map[string]string{"a/k.yaml": "k: 1\n", "m.yaml": "k: 2\n"})
	must(t, os.Symlink("a", dir+"/linked"))
	must(t, os.Symlink("a/k.yaml", dir+"/z.yaml"))
	f := opened(t, backend.Config{Files: []string{dir, dir + "/a"}})
	all, err := f.find()
	must(t, err)
	if len(all) != 2 || all[1].path != dir+"/a/k.yaml" {
		t.Errorf("found %v, want each file at its last place", all)
	}
	expect(t, keys(t, f, "/"), map[string]string{"/k": "1"})
}

// configMap makes a Kubernetes volume: dated directories behind `..data`.
func configMap(t *testing.T) string {
	t.Helper()
	dir := tree(t, map[string]string{
		"..2026_01/a.yaml": "k: 1\nsame: 1\n", "..2026_01/b.yaml": "n: 1\n",
		"..2026_02/a.yaml": "k: 2\nsame: 1\n", "..2026_02/b.yaml": "n: 2\n",
	})
	for link, target := range map[string]string{"..data": "..2026_01", "a.yaml": "..data/a.yaml", "b.yaml": "..data/b.yaml"} {
		must(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	return dir
}

func TestConfigMapIsSeenOnce(t *testing.T) {
	f := opened(t, backend.Config{Files: []string{configMap(t)}})
	all, err := f.find()
	must(t, err)
	if len(all) != 2 {
		t.Errorf("found %v", all)
	}
	expect(t, keys(t, f, "/"), map[string]string{"/k": "1", "/n": "1", "/same": "1"})
}

// watching follows a backend from its listing.
type watching struct {
	t     *testing.T
	out   chan backend.Batch
	ended chan error
	held  backend.Cursor
}

func follow(t *testing.T, f *files) *watching {
	t.Helper()
	l, err := f.List(t.Context(), []string{"/"})
	must(t, err)
	w := &watching{t: t, held: l.Cursor}
	w.again(f)
	return w
}

func (w *watching) again(f *files) {
	ctx, stop := context.WithCancel(w.t.Context())
	w.out, w.ended = make(chan backend.Batch), make(chan error, 1)
	out, ended := w.out, w.ended
	go func() { ended <- f.Watch(ctx, []string{"/"}, w.held, out); close(ended) }()
	w.t.Cleanup(func() {
		stop()
		for range ended {
		}
	})
}

// next is the next batch that changes something, which must be the whole truth.
func (w *watching) next() map[string]string {
	w.t.Helper()
	for {
		select {
		case b := <-w.out:
			w.held = b.Cursor
			if !b.Full {
				continue
			}
			m := map[string]string{}
			for _, p := range b.Puts {
				m[p.Key] = p.Value
			}
			return m
		case err := <-w.ended:
			w.t.Fatalf("Watch ended: %v", err)
		case <-needs.Patience(10 * time.Second):
			w.t.Fatal("nothing was sent")
		}
	}
}

// failure is the error that Watch ends with; until then nothing may change.
func (w *watching) failure() error {
	w.t.Helper()
	for {
		select {
		case b := <-w.out:
			if b.Full {
				w.t.Fatalf("a broken store sends %v", b.Puts)
			}
		case err := <-w.ended:
			return err
		case <-needs.Patience(10 * time.Second):
			w.t.Fatal("Watch said nothing")
		}
	}
}

func TestConfigMapSwapIsOneStep(t *testing.T) {
	dir := configMap(t)
	w := follow(t, opened(t, backend.Config{Files: []string{dir}}))
	must(t, os.Symlink("..2026_02", dir+"/..data_tmp"))
	must(t, os.Rename(dir+"/..data_tmp", dir+"/..data"))
	expect(t, w.next(), map[string]string{"/k": "2", "/n": "2", "/same": "1"})
}

// However often a volume is swapped, a listing is of one version.
func TestListingIsOfOneVersion(t *testing.T) {
	dir := tree(t, nil)
	for i := range 20 {
		name := fmt.Sprintf("f%02d.yaml", i)
		for _, v := range []string{"1", "2"} {
			must(t, os.MkdirAll(dir+"/..v"+v, 0o755))
			must(t, os.WriteFile(dir+"/..v"+v+"/"+name, fmt.Appendf(nil, "k%02d: %s\n", i, v), 0o644))
		}
		must(t, os.Symlink("..data/"+name, dir+"/"+name))
	}
	must(t, os.Symlink("..v1", dir+"/..data"))
	f := opened(t, backend.Config{Files: []string{dir}})
	stop, swapping := make(chan struct{}), sync.WaitGroup{}
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				os.Symlink(fmt.Sprint("..v", 1+i%2), dir+"/..next")
				os.Rename(dir+"/..next", dir+"/..data")
			}
		}
	})
	for range 100 {
		l, err := f.List(t.Context(), []string{"/"})
		for _, p := range l.Pairs {
			if err == nil && p.Value != l.Pairs[0].Value {
				t.Errorf("a listing of two versions: %v", l.Pairs)
				break
			}
		}
	}
	close(stop)
	swapping.Wait()
}

func TestBrokenFile(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: 1\n", "b.yaml": "n: 1\n"})
	f := opened(t, backend.Config{Files: []string{dir}})
	w := follow(t, f)
	replace(t, dir+"/a.yaml", "k: 2\nl: [\n")
	err := w.failure()
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.File != dir+"/a.yaml" || p.Line == 0 {
		t.Errorf("Watch ended with %v, want a problem with its place", err)
	}
	if _, listed := f.List(t.Context(), []string{"/"}); listed == nil || listed.Error() != err.Error() {
		t.Errorf("List says %v, Watch %v", listed, err)
	}
	w.again(f) // it has been said; now it waits
	replace(t, dir+"/b.yaml", "n: 2\n")
	replace(t, dir+"/a.yaml", "k: 3\n")
	expect(t, w.next(), map[string]string{"/k": "3", "/n": "2"})
}

func TestSameFailureIsReturnedOnce(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: ["})
	f := opened(t, backend.Config{Files: []string{dir}})
	for i, want := range []bool{true, false, false} {
		again := watch{files: f, prefixes: []string{"/"}}
		if err := again.look(t.Context(), true); (err != nil) != want {
			t.Errorf("watch %d: %v", i, err)
		}
	}
	replace(t, dir+"/a.yaml", "- no mapping\n")
	other := watch{files: f, prefixes: []string{"/"}}
	if other.look(t.Context(), true) == nil {
		t.Error("another failure is not returned")
	}
}

func TestFailureThatComesBackIsSaidAgain(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: 1\n"})
	f := opened(t, backend.Config{Files: []string{dir + "/a.yaml"}})
	w := follow(t, f)
	must(t, os.Remove(dir+"/a.yaml"))
	if err := w.failure(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Watch ended with %v", err)
	}
	w.again(f)
	replace(t, dir+"/a.yaml", "k: [")
	if err := w.failure(); errors.Is(err, os.ErrNotExist) {
		t.Errorf("Watch ended with %v again", err)
	}
	w.again(f)
	replace(t, dir+"/a.yaml", "k: 2\n")
	expect(t, w.next(), map[string]string{"/k": "2"})
	replace(t, dir+"/a.yaml", "k: [")
	if err := w.failure(); err == nil {
		t.Error("a failure that came back is not said")
	}
}

func TestEmptiedFileIsBelievedLate(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: 1\n"})
	f := opened(t, backend.Config{Files: []string{dir + "/a.yaml"}})
	f.grace = time.Hour
	w := follow(t, f)
	must(t, os.Truncate(dir+"/a.yaml", 0)) // a slow program begins to write
	must(t, os.WriteFile(dir+"/a.yaml", []byte("k: 2\n"), 0o644))
	expect(t, w.next(), map[string]string{"/k": "2"})

	f = opened(t, backend.Config{Files: []string{dir + "/a.yaml"}})
	w = follow(t, f)
	must(t, os.Truncate(dir+"/a.yaml", 0))
	expect(t, w.next(), map[string]string{})
}

func TestFileThatAppearsInADirectory(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: 1\n"})
	w := follow(t, opened(t, backend.Config{Files: []string{dir}}))
	must(t, os.Mkdir(dir+"/sub", 0o755))
	must(t, os.WriteFile(dir+"/sub/b.yaml", []byte("n: 1\n"), 0o644))
	for got := w.next(); !maps.Equal(got, map[string]string{"/k": "1", "/n": "1"}); got = w.next() {
	}
	must(t, os.RemoveAll(dir+"/sub"))
	expect(t, w.next(), map[string]string{"/k": "1"})
}

func TestPipeIsReadOnce(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	_, err = w.WriteString("k: 1\n")
	must(t, errors.Join(err, w.Close()))
	f := opened(t, backend.Config{Files: []string{fmt.Sprintf("/dev/fd/%d", r.Fd())}})
	for range 2 {
		expect(t, keys(t, f, "/"), map[string]string{"/k": "1"})
	}
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]backend.Config{
		"no files":   {},
		"bad filter": {Files: []string{"x"}, Filter: "[a"},
	} {
		if _, err := Factory.Open(c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	dir := tree(t, map[string]string{"list.yaml": "- 1\n"})
	big, err := os.Create(dir + "/big.yaml")
	must(t, err)
	must(t, errors.Join(big.Truncate(maxFile+1), big.Close()))
	for _, path := range []string{dir + "/absent.yaml", dir + "/absent/", dir + "/list.yaml", dir + "/big.yaml"} {
		if l, err := opened(t, backend.Config{Files: []string{path}}).List(t.Context(), []string{"/"}); err == nil {
			t.Errorf("%s lists %v", filepath.Base(path), l.Pairs)
		}
	}
}

func TestUnreadableLinkInADirectoryIsAnError(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": "k: 1\n"})
	must(t, os.Symlink("gone.yaml", dir+"/b.yaml"))
	if l, err := opened(t, backend.Config{Files: []string{dir}}).List(t.Context(), []string{"/"}); err == nil {
		t.Errorf("a part is listed: %v", l.Pairs)
	}
}

// A named pipe to which nobody writes does not hold a run for ever.
func TestPipeWithoutWriter(t *testing.T) {
	path := t.TempDir() + "/keys.yaml"
	must(t, syscall.Mkfifo(path, 0o644))
	f := opened(t, backend.Config{Files: []string{path}})
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := f.List(ctx, []string{"/"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("List: %v", err)
	}
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) // lets the open end that is still under way
	must(t, err)
	must(t, writer.Close())
}

// What was prepared is listed once; afterwards the files are read anew, and
// also when preparing failed.
func TestPrepare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	must(t, os.WriteFile(path, []byte("a: 1\n"), 0o644))
	f := opened(t, backend.Config{Files: []string{path}})
	listed := func() string {
		t.Helper()
		l, err := f.List(t.Context(), []string{"/"})
		if err != nil {
			return err.Error()
		}
		return l.Pairs[0].Value
	}
	f.Prepare(t.Context())
	for len(f.early) == 0 { // until it has read
		runtime.Gosched()
	}
	must(t, os.WriteFile(path, []byte("a: 2\n"), 0o644))
	if first, second := listed(), listed(); first != "1" || second != "2" {
		t.Errorf("listed %s, then %s", first, second)
	}

	must(t, os.Remove(path))
	f.Prepare(t.Context())
	if got := listed(); !strings.Contains(got, "no such file") {
		t.Errorf("a file that is gone: %s", got)
	}
}
