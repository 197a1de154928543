package stage_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/stage"
)

const nobody = 65534

// attack is the owner of a destination's directory who exchanges whatever
// appears there for links, pipes and hard links.
func attack(dest string) {
	dir, victim := filepath.Dir(dest), os.Getenv("STAGE_TEST_VICTIM")
	for {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			switch rand.IntN(4) {
			case 0:
				if os.Rename(path, filepath.Join(dir, "x"+strconv.Itoa(rand.IntN(5)))) == nil {
					os.Symlink(victim, path)
				}
			case 1:
				os.Remove(path)
				os.Link(victim, path)
			case 2:
				os.Remove(path)
				syscall.Mkfifo(path, 0o666)
			case 3:
				os.Remove(path)
			}
		}
	}
}

// nobodysDirectory is a directory that an unprivileged user owns, on a way that
// everybody may search.
func nobodysDirectory(t *testing.T) string {
	t.Helper()
	dir := must[string](t)(os.MkdirTemp("", "stage-attack"))
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	inner := filepath.Join(dir, "conf")
	os.Mkdir(inner, 0o755)
	if err := os.Chown(inner, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return inner
}

func startAttack(t *testing.T, dest, victim string) {
	t.Helper()
	exe := filepath.Join(filepath.Dir(victim), "attacker") // nobody cannot reach the test binary
	from, to := must[*os.File](t)(os.Open("/proc/self/exe")), must[*os.File](t)(os.Create(exe))
	must[int64](t)(io.Copy(to, from))
	from.Close()
	to.Close()
	os.Chmod(exe, 0o755)
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childJob+"=attack", childDest+"="+dest, "STAGE_TEST_VICTIM="+victim)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
}

// A wconf that runs as root writes for, and against, a directory's owner. No
// other file ever changes.
func TestHostileDirectory(t *testing.T) {
	needs.Root(t)
	dir := nobodysDirectory(t)
	dest, victim := filepath.Join(dir, "f"), filepath.Join(filepath.Dir(dir), "victim")
	put(t, victim, "root's secret", 0o600)
	startAttack(t, dest, victim)
	outcomes := map[bool]int{}
	target := stage.Target{Path: dest, UID: nobody, GID: nobody, HasMode: true, Mode: 0o644}
	ended := needs.Patience(4 * time.Second)
	for n, fights := 0, true; fights; n++ {
		select {
		case <-ended:
			fights = false
		default:
		}
		outcomes[writeOnce(target, n)]++
		want(t, victim, "root's secret", 0o600)
		if info := must[os.FileInfo](t)(os.Stat(victim)).Sys().(*syscall.Stat_t); info.Uid != 0 || info.Gid != 0 {
			t.Fatalf("after %d writes the victim belongs to %d:%d", n, info.Uid, info.Gid)
		}
		if t.Failed() {
			t.Fatalf("after %d writes", n)
		}
	}
	t.Logf("%d writes went well, %d were refused", outcomes[true], outcomes[false])
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Error("that was no fight")
	}
}

func writeOnce(target stage.Target, n int) bool {
	d := &stage.Disk{NoSync: true}
	d.Sweep(target)
	f, err := d.Stage(context.Background(), target, []byte(fmt.Sprint("version ", n)))
	if err != nil {
		return false
	}
	defer f.Discard()
	if f.CheckInPlace(func() error { return nil }) != nil {
		return false
	}
	_, err = f.Swap()
	return err == nil
}
