package stage_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/stage"
)

// The test binary runs itself as the wconf that is killed, and as the attacker.
const childJob, childDest = "STAGE_TEST_JOB", "STAGE_TEST_DEST"

func TestMain(m *testing.M) {
	switch dest := os.Getenv(childDest); os.Getenv(childJob) {
	case "loop":
		loopForEver(dest)
	case "check":
		waitInCheck(dest)
	case "attack":
		attack(dest)
	}
	os.Exit(m.Run())
}

func child(job, dest string) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), childJob+"="+job, childDest+"="+dest)
	c.Stderr = os.Stderr
	return c
}

// killed runs a job until it says that it is ready, and kills it.
func killed(t *testing.T, job, dest string) {
	t.Helper()
	c := child(job, dest)
	out := must[interface{ Read([]byte) (int, error) }](t)(c.StdoutPipe())
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	c.Process.Kill()
	c.Wait()
	if line != "ready\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
}

func waitInCheck(dest string) {
	f, err := (&stage.Disk{}).Stage(context.Background(), at(dest), []byte("new"))
	if err == nil {
		err = f.CheckInPlace(func() error {
			fmt.Println("ready")
			select {}
		})
	}
	fmt.Println(err)
	os.Exit(1)
}

// version is a content that shows whether it is whole: a hash, a number, and
// something to fill it.
func version(n, size int) []byte {
	body := fmt.Sprintf("%d\n%s\n", n, strings.Repeat("x", size))
	sum := sha256.Sum256([]byte(body))
	return []byte(hex.EncodeToString(sum[:]) + "\n" + body)
}

func parse(b []byte) (n int, whole bool) {
	hash, body, _ := strings.Cut(string(b), "\n")
	sum := sha256.Sum256([]byte(body))
	number, _, _ := strings.Cut(body, "\n")
	n, err := strconv.Atoi(number)
	return n, err == nil && hash == hex.EncodeToString(sum[:])
}

func loopForEver(dest string) {
	d := &stage.Disk{}
	b, _ := os.ReadFile(dest)
	n, _ := parse(b)
	for {
		n++
		if _, err := d.Sweep(at(dest)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		f, err := d.Stage(context.Background(), at(dest), version(n, rand.IntN(200_000)))
		if err == nil {
			_, err = f.Swap()
		}
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// However often wconf is killed, a reader never sees a torn or missing file,
// no acknowledged version is lost, and no staged file stays.
func TestKilledAtRandom(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, string(version(0, 10)), 0o644)
	var torn, reads atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	read := make(chan struct{})
	go func() {
		defer close(read)
		for ctx.Err() == nil {
			b, err := os.ReadFile(dest)
			if _, whole := parse(b); err != nil || !whole {
				torn.Add(1)
			}
			reads.Add(1)
		}
	}()
	acknowledged := 0
	for range 25 {
		last := killAfter(t, dest, 10+rand.IntN(60))
		acknowledged = max(acknowledged, last)
		b, _ := os.ReadFile(dest)
		if n, whole := parse(b); !whole || n < acknowledged {
			t.Fatalf("version %d, whole %v, after %d was acknowledged", n, whole, acknowledged)
		}
	}
	stop()
	<-read
	if torn.Load() > 0 || acknowledged == 0 {
		t.Errorf("%d of %d reads torn, %d versions", torn.Load(), reads.Load(), acknowledged)
	}
	must[[]string](t)((&stage.Disk{}).Sweep(at(dest)))
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// killAfter lets the loop acknowledge a few versions, waits a random moment
// more, and kills it.
func killAfter(t *testing.T, dest string, micros int) (last int) {
	c := child("loop", dest)
	out := must[interface{ Read([]byte) (int, error) }](t)(c.StdoutPipe())
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	lines := bufio.NewScanner(out)
	for range 1 + rand.IntN(6) {
		if !lines.Scan() {
			t.Fatal("the child ended")
		}
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(lines.Text())
		}
		last = n
	}
	for end := time.Now().Add(time.Duration(micros*10) * time.Microsecond); time.Now().Before(end); {
		// the moment of the kill must fall anywhere in the next version
	}
	c.Process.Kill()
	for lines.Scan() { // acknowledged meanwhile
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			last = n
		}
	}
	return last
}
