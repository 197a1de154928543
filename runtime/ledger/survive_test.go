package ledger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/problem"
)

// The test binary runs itself as the wconf that is killed.
const childJob, childDir = "LEDGER_TEST_JOB", "LEDGER_TEST_DIR"

func TestMain(m *testing.M) {
	l := ledger.Open(os.Getenv(childDir))
	switch os.Getenv(childJob) {
	case "lock":
		_, err := l.Lock(context.Background(), "/etc/a")
		fmt.Println("locked", err)
		time.Sleep(time.Hour)
	case "save":
		for n := 1; ; n++ {
			err := l.Save("/etc/a", ledger.Record{Resource: "a", Reloads: n, Bytes: make([]byte, n%50_000)}, n%16 == 0)
			fmt.Println(n, err)
		}
	}
	os.Exit(m.Run())
}

func child(t *testing.T, job, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childJob+"="+job, childDir+"="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c, bufio.NewScanner(out)
}

// Another process is named, and its death frees the destination.
func TestLockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	c, lines := child(t, "lock", dir)
	if !lines.Scan() || lines.Text() != "locked <nil>" {
		t.Fatalf("the child said %q", lines.Text())
	}
	l := ledger.Open(dir)
	short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	_, err := l.Lock(short, "/etc/a")
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != problem.Busy || !strings.Contains(p.Msg, strconv.Itoa(c.Process.Pid)) {
		t.Errorf("Lock: %v, want process %d", err, c.Process.Pid)
	}
	c.Process.Kill()
	c.Wait()
	lock, err := l.Lock(t.Context(), "/etc/a")
	if err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
}

// Who stops wconf while it waits does not hear that somebody else is to blame.
func TestStoppedWhileWaiting(t *testing.T) {
	l := ledger.Open(t.TempDir())
	lock, err := l.Lock(t.Context(), "/etc/a")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var p *problem.Problem
	if _, err := l.Lock(ctx, "/etc/a"); !errors.Is(err, context.Canceled) || errors.As(err, &p) {
		t.Errorf("Lock: %v", err)
	}
}

// However often wconf is killed while it writes, what it acknowledged is there.
func TestKilledWhileSaving(t *testing.T) {
	dir := t.TempDir()
	for round := range 20 {
		c, lines := child(t, "save", dir)
		last := 0
		for range 1 + round*7%40 {
			if !lines.Scan() {
				t.Fatal("the child ended")
			}
			last = acknowledged(t, lines.Text())
		}
		c.Process.Kill()
		for lines.Scan() {
			last = acknowledged(t, lines.Text())
		}
		c.Wait()
		rec, ok, err := ledger.Open(dir).Load("/etc/a", "a")
		if !ok || err != nil || rec.Reloads < last || rec.Reloads > last+1 || len(rec.Bytes) != rec.Reloads%50_000 {
			t.Fatalf("acknowledged %d, but %d with %d bytes, %v, %v", last, rec.Reloads, len(rec.Bytes), ok, err)
		}
	}
}

func acknowledged(t *testing.T, line string) int {
	t.Helper()
	number, ok := strings.CutSuffix(line, " <nil>")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		t.Fatalf("the child said %q", line)
	}
	return n
}

// Stores allow any bytes in keys and values.
func TestBytesOfPairs(t *testing.T) {
	l := ledger.Open(t.TempDir())
	pairs := ledger.Pairs{"/k": "\xff\xfe", "/\x00": "", "/ü": "\u2028</script>"}
	if err := l.Save("/etc/a", ledger.Record{Resource: "a", Pairs: pairs}, false); err != nil {
		t.Fatal(err)
	}
	rec, ok, err := l.Load("/etc/a", "a")
	if !ok || err != nil || !reflect.DeepEqual(rec.Pairs, pairs) {
		t.Errorf("got %q, %v, %v", rec.Pairs, ok, err)
	}
}

// A record that was copied to another destination's place is not trusted.
func TestMovedRecord(t *testing.T) {
	dir := t.TempDir()
	l := ledger.Open(dir)
	l.Save("/etc/a", ledger.Record{Resource: "a", Disk: "1"}, false)
	from, _ := filepath.Glob(filepath.Join(dir, "*"))
	l.Save("/etc/b", ledger.Record{Resource: "a", Disk: "2"}, false)
	all, _ := filepath.Glob(filepath.Join(dir, "*"))
	text, err := os.ReadFile(from[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		os.WriteFile(path, text, 0o600)
	}
	if _, ok, err := l.Load("/etc/b", "a"); ok || !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("Load: %v, %v", ok, err)
	}
	if rec, ok, err := l.Load("/etc/a", "a"); !ok || err != nil || rec.Disk != "1" {
		t.Errorf("the right one: %+v, %v, %v", rec, ok, err)
	}
}

// Whoever can write the state directory decides what is reloaded.
func TestOpenStateDirectory(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o777)
	if err := ledger.Open(dir).Usable(); err == nil || !strings.Contains(err.Error(), "everybody") {
		t.Errorf("Usable: %v", err)
	}
	dir = t.TempDir()
	l := ledger.Open(dir)
	l.Save("/etc/a", ledger.Record{Resource: "a"}, false)
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	os.Chmod(files[0], 0o666)
	if _, ok, err := l.Load("/etc/a", "a"); ok || !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("Load: %v, %v", ok, err)
	}
}

func TestMark(t *testing.T) {
	hash := ledger.Hash([]byte("content"))
	for _, resource := range []string{"", "web", "a:b/c d", "\xff", strings.Repeat("x", 10_000)} {
		value := ledger.MarkFor(resource, hash)
		m, ok := ledger.ParseMark(value)
		if !ok || m.Content != hash || !m.Of(resource) || m.Of(resource+"x") || len(value) > 100 {
			t.Errorf("%q: %q is read as %+v, %v", resource, value, m, ok)
		}
	}
	for _, value := range []string{"", ":", "web:" + hash, ledger.MarkFor("web", "") + "x", ledger.MarkFor("web", hash) + " ", strings.ToUpper(ledger.MarkFor("web", hash))} {
		if m, ok := ledger.ParseMark(value); ok {
			t.Errorf("%q is read as %+v", value, m)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			l := ledger.Open(b.TempDir())
			rec := ledger.Record{Resource: "a", Bytes: make([]byte, 4096), Pairs: ledger.Pairs{"/a": "1", "/b": "2"}}
			for b.Loop() {
				if err := l.Save("/etc/a", rec, durable); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	l := ledger.Open(b.TempDir())
	if err := l.Save("/etc/a", ledger.Record{Resource: "a", Bytes: make([]byte, 4096)}, false); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, ok, err := l.Load("/etc/a", "a"); !ok || err != nil {
			b.Fatal(err)
		}
	}
}
