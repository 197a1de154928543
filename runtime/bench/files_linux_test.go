package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// outputs sees when files of one directory are put in place.
type outputs struct {
	b   testing.TB
	dir string
	fd  int

	mu     sync.Mutex
	cond   *sync.Cond
	placed map[string]time.Time // by name: when it was last renamed to or closed
	count  int
}

func watchOutputs(b testing.TB, dir string) *outputs {
	b.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err == nil {
		_, err = syscall.InotifyAddWatch(fd, dir, syscall.IN_MOVED_TO)
	}
	if err != nil {
		b.Fatal(err)
	}
	o := &outputs{b: b, dir: dir, fd: fd, placed: map[string]time.Time{}}
	o.cond = sync.NewCond(&o.mu)
	done := make(chan struct{})
	go o.read(done)
	b.Cleanup(func() {
		os.WriteFile(filepath.Join(dir, ".end"), nil, 0o644) // wakes the reader
		os.Rename(filepath.Join(dir, ".end"), filepath.Join(dir, "end"))
		<-done
		syscall.Close(fd)
	})
	return o
}

// read sleeps in the kernel, on a thread of its own.
func (o *outputs) read(done chan struct{}) {
	defer close(done)
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(o.fd, buf)
		now := time.Now()
		if err == syscall.EINTR {
			continue
		}
		if err != nil || !o.note(buf[:n], now) {
			return
		}
	}
}

func (o *outputs) note(events []byte, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.cond.Broadcast()
	for len(events) > 0 {
		e := (*syscall.InotifyEvent)(unsafe.Pointer(&events[0]))
		end := syscall.SizeofInotifyEvent + int(e.Len)
		name := strings.TrimRight(string(events[syscall.SizeofInotifyEvent:end]), "\x00")
		events = events[end:]
		if name == "end" {
			return false
		}
		if !strings.HasPrefix(name, ".") {
			o.placed[name], o.count = now, o.count+1
		}
	}
	return true
}

// renders is how many files were put in place so far.
func (o *outputs) renders() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count
}

// until waits for a file to hold a text, and returns when it was put in place.
func (o *outputs) until(name, text string) time.Time {
	o.b.Helper()
	give := time.AfterFunc(time.Minute, o.cond.Broadcast)
	defer give.Stop()
	end := time.Now().Add(time.Minute)
	o.mu.Lock()
	defer o.mu.Unlock()
	for seen := (time.Time{}); ; {
		if at := o.placed[name]; at != seen {
			seen = at
			o.mu.Unlock()
			content, _ := os.ReadFile(filepath.Join(o.dir, name))
			o.mu.Lock()
			if strings.Contains(string(content), text) {
				return at
			}
			continue // it may have been put in place while it was read
		}
		o.cond.Wait()
		if time.Now().After(end) {
			o.b.Fatalf("%s never came to hold %q", name, text)
		}
	}
}

// after waits until n files were put in place, and returns when the last was.
func (o *outputs) after(n int) time.Time {
	o.b.Helper()
	give := time.AfterFunc(time.Minute, o.cond.Broadcast)
	defer give.Stop()
	end := time.Now().Add(time.Minute)
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.count < n {
		if time.Now().After(end) {
			o.b.Fatalf("%d files of %d were put in place", o.count, n)
		}
		o.cond.Wait()
	}
	return o.latest()
}

func (o *outputs) latest() (last time.Time) {
	for _, at := range o.placed {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// all waits until n files are there.
func (o *outputs) all(n int) time.Time {
	o.b.Helper()
	give := time.AfterFunc(2*time.Minute, o.cond.Broadcast)
	defer give.Stop()
	end := time.Now().Add(2 * time.Minute)
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.placed) < n {
		if time.Now().After(end) {
			o.b.Fatalf("%d files of %d are there", len(o.placed), n)
		}
		o.cond.Wait()
	}
	return o.latest()
}

// world is a configuration, and the directory that wconf runs in.
type world struct {
	b   testing.TB
	dir string
	n   int // of templates
}

func newWorld(b testing.TB) *world {
	b.Helper()
	w := &world{b: b, dir: b.TempDir()}
	for _, dir := range []string{"conf.d", "templates", "out"} {
		w.must(os.Mkdir(w.path(dir), 0o755))
	}
	return w
}

func (w *world) must(err error) {
	w.b.Helper()
	if err != nil {
		w.b.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// add adds a template whose file is out/<number>.
func (w *world) add(text, settings string) {
	w.b.Helper()
	w.must(os.WriteFile(w.path(fmt.Sprintf("templates/%d.tmpl", w.n)), []byte(text), 0o644))
	toml := fmt.Sprintf("[template]\nsrc = \"%d.tmpl\"\ndest = \"out/%d\"\n%s\n", w.n, w.n, settings)
	w.must(os.WriteFile(w.path(fmt.Sprintf("conf.d/%d.toml", w.n)), []byte(toml), 0o644))
	w.n++
}

// sharing adds templates that all are allowed everything below /app and render
// some keys each: as many as there are, at most ten.
func (w *world) sharing(templates, keys int) (each int) {
	each = max(1, min(10, keys/templates))
	for i := range templates {
		var text strings.Builder
		for j := range each {
			k := key(i*each + j)
			fmt.Fprintf(&text, "%s={{getv %q}}\n", k, k)
		}
		w.add(text.String(), `keys = ["/app"]`)
	}
	return each
}

// run starts the daemon.
func (w *world) run(args ...string) *process {
	w.b.Helper()
	return launch(w.b, w.dir, append([]string{"-confdir", ".", "-state-dir", "state", "-interval", "3600", "-watch"}, args...)...)
}

// key is the name of the key with a number.
func key(i int) string { return fmt.Sprintf("/app/%03d/%d", i%1000, i) }

// value is fifty bytes.
func value(i int) string { return fmt.Sprintf("%050d", i) }
