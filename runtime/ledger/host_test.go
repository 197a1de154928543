package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A record counts where the machine or the boot is the same, and is set aside
// elsewhere.
func TestForeignRecord(t *testing.T) {
	for _, test := range []struct {
		machine, boot string
		want          error
	}{
		{machine(), boot(), nil},
		{"another", boot(), nil},
		{machine(), "another", nil},
		{"another", "another", ErrForeign},
		{"", "", ErrForeign},
	} {
		if test.want == nil && test.machine == "another" && test.boot == "" || test.want == nil && test.boot == "another" && test.machine == "" {
			continue // this machine has only one of the two
		}
		l := Open(t.TempDir())
		l.Usable()
		path, _ := l.of("/etc/a")
		text, err := seal(Record{Resource: "a", Owed: true, Machine: test.machine, Boot: test.boot}, filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(path, []byte(text), 0o600)
		rec, ok, err := l.Load("/etc/a", "a")
		if !errors.Is(err, test.want) || ok != (test.want == nil) || rec.Owed != ok {
			t.Errorf("%+v: owed %v, %v, %v", test, rec.Owed, ok, err)
		}
		if _, err := os.Stat(path); (err == nil) != (test.want == nil) {
			t.Errorf("%+v: still there: %v", test, err == nil)
		}
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	part, other := filepath.Join(dir, partPrefix+"1"), filepath.Join(dir, "other")
	for _, path := range []string{part, other} {
		os.WriteFile(path, nil, 0o600)
	}
	sweep(dir, time.Now())
	if _, err := os.Stat(part); err != nil {
		t.Error("somebody may be writing that")
	}
	sweep(dir, time.Now().Add(2*time.Hour))
	if _, err := os.Stat(part); err == nil {
		t.Error("it stays for ever")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("another's file is gone")
	}
}

// Whatever stands in a record, only what seal wrote for that name opens.
func FuzzOpen(f *testing.F) {
	good, _ := seal(Record{Resource: "a", Pairs: Pairs{"/k": "\xff"}}, "name")
	f.Add([]byte(good), "name")
	f.Add([]byte(good), "other")
	f.Add([]byte("0\n{}"), "name")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		rec, err := open(text, name)
		if err != nil {
			return
		}
		again, err := seal(rec, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open([]byte(again), name); err != nil {
			t.Errorf("%q opens, but not when it is sealed again", text)
		}
	})
}
