package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/problem"
)

func TestRecord(t *testing.T) {
	l := ledger.Open(filepath.Join(t.TempDir(), "state"))
	if _, ok, err := l.Load("/etc/a", "a"); ok || err != nil {
		t.Fatalf("an empty ledger: %v, %v", ok, err)
	}
	rec := ledger.Record{Resource: "a", Disk: "1", Accepted: "2", Running: "2", Owed: true, Failures: 3,
		LastAt: time.Unix(1, 2).UTC(), History: []time.Time{time.Unix(1, 2).UTC()}, Pairs: map[string]string{"/k": "v"}, Bytes: []byte("\x00\xff")}
	for _, durable := range []bool{true, false} {
		if err := l.Save("/etc/a", rec, durable); err != nil {
			t.Fatal(err)
		}
		got, ok, err := l.Load("/etc/a", "a")
		got.Dest, got.Machine, got.Boot = "", "", ""
		if !ok || err != nil || !reflect.DeepEqual(got, rec) {
			t.Fatalf("got %+v, %v, %v", got, ok, err)
		}
	}
	if _, ok, _ := l.Load("/etc/a", "b"); ok {
		t.Error("a record was given to another resource")
	}
}

// Whatever byte of a record is changed, it is set aside once, and not trusted.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	l := ledger.Open(dir)
	l.Save("/etc/a", ledger.Record{Resource: "a", Disk: "1"}, false)
	files, _ := filepath.Glob(filepath.Join(dir, "????????????????????????????????"))
	if len(files) != 1 {
		t.Fatalf("files: %q", files)
	}
	if info, _ := os.Stat(files[0]); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	good, _ := os.ReadFile(files[0])
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		os.WriteFile(files[0], bad, 0o600)
		if _, ok, err := l.Load("/etc/a", "a"); ok || !errors.Is(err, ledger.ErrDamaged) {
			t.Fatalf("byte %d: %v, %v", i, ok, err)
		}
		if _, ok, err := l.Load("/etc/a", "a"); ok || err != nil {
			t.Fatalf("byte %d: told twice: %v, %v", i, ok, err)
		}
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	l := ledger.Open(filepath.Join(file, "state"))
	if l.Usable() == nil {
		t.Fatal("a directory below a file")
	}
	if err := l.Save("/etc/a", ledger.Record{}, false); err != nil {
		t.Errorf("what may be lost: %v", err)
	}
	if err := l.Save("/etc/a", ledger.Record{}, true); err == nil {
		t.Error("what must not be lost was lost silently")
	}
	if lock, err := l.Lock(t.Context(), "/etc/a"); lock != nil || err != nil {
		t.Errorf("lock: %v, %v", lock, err)
	}
	lock, _ := (*ledger.Ledger)(nil).Lock(t.Context(), "/etc/a")
	lock.Unlock()
}

func TestLock(t *testing.T) {
	l := ledger.Open(t.TempDir())
	first, err := l.Lock(t.Context(), "/etc/a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Lock(t.Context(), "/etc/b")
	if err != nil {
		t.Fatal("another destination is locked, too:", err)
	}
	other.Unlock()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	var p *problem.Problem
	if _, err := l.Lock(ctx, "/etc/a"); !errors.As(err, &p) || p.Code != problem.Busy || !strings.Contains(p.Msg, fmt.Sprintf("process %d", os.Getpid())) {
		t.Fatalf("second lock: %v", err)
	}
	first.Unlock()
	second, err := l.Lock(t.Context(), "/etc/a")
	if err != nil {
		t.Fatal(err)
	}
	second.Unlock()
}
