package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// profiler is compiled into the program under test when profiles are wanted:
// it is no part of wconf.
const profiler = `package main

import (
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

func init() {
	cpu, err := os.Create(os.Getenv("WCONF_PROFILE_TO") + ".cpu")
	if err != nil || pprof.StartCPUProfile(cpu) != nil {
		return
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGUSR2)
	go func() {
		<-end
		pprof.StopCPUProfile()
		heap, err := os.Create(os.Getenv("WCONF_PROFILE_TO") + ".heap")
		if err == nil {
			pprof.Lookup("heap").WriteTo(heap, 0)
		}
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
}
`

// binary is the program under test, built from this tree or given.
var binary = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("WCONF_PROGRAM"); given != "" {
		return filepath.Abs(given)
	}
	dir, err := os.MkdirTemp("", "wconf-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "wconf")
	args := []string{"build", "-o", path, "-trimpath"}
	if profiles() != "" {
		extra := filepath.Join(dir, "profiler.go")
		_, here, _, _ := runtime.Caller(0)
		place := filepath.Join(filepath.Dir(here), "..", "..", "cmd", "wconf", "profiler.go")
		overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{place: extra}})
		if err := os.WriteFile(extra, []byte(profiler), 0o644); err != nil {
			return "", err
		}
		if err := os.WriteFile(extra+".json", overlay, 0o644); err != nil {
			return "", err
		}
		args = append(args, "-overlay", extra+".json")
	}
	out, err := exec.Command("go", append(args, "github.com/wconf/wconf/cmd/wconf")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build wconf: %w\n%s", err, out)
	}
	return path, nil
})

// profiles is the directory that profiles are wanted in.
func profiles() string { return os.Getenv("WCONF_PROFILE") }

func wconf(b testing.TB) string {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// process is a process that is measured.
type process struct {
	b   testing.TB
	cmd *exec.Cmd
	log *bytes.Buffer
}

var launched atomic.Int64

// launch starts the program under test in a directory.
func launch(b testing.TB, dir string, args ...string) *process {
	b.Helper()
	p := &process{b: b, cmd: exec.Command(wconf(b), args...), log: new(bytes.Buffer)}
	p.cmd.Dir, p.cmd.Stderr = dir, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if to := profiles(); to != "" {
		name := fmt.Sprint(strings.NewReplacer("/", "_", "Benchmark", "").Replace(b.Name()), "-", launched.Add(1))
		p.cmd.Env = append(os.Environ(), "WCONF_PROFILE_TO="+filepath.Join(to, name))
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.end)
	return p
}

// end stops the process and waits for it.
func (p *process) end() {
	if p.cmd.ProcessState != nil {
		return
	}
	sig := syscall.SIGTERM
	if profiles() != "" {
		sig = syscall.SIGUSR2
	}
	p.cmd.Process.Signal(sig)
	p.cmd.Wait()
	if p.b.Failed() {
		p.b.Logf("wconf said:\n%s", p.log)
	}
}

// pid names a process in /proc.
func (p *process) pid() int { return p.cmd.Process.Pid }

// cpu is how long all threads of a process ran.
func cpu(b testing.TB, pid int) time.Duration {
	b.Helper()
	var sum time.Duration
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has just ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ran, 10, 64)
		sum += time.Duration(n)
	}
	if sum == 0 {
		b.Fatal("the process is gone, or the kernel keeps no schedstat")
	}
	return sum
}

// memory is a process's resident memory now and at most, in MiB.
func memory(b testing.TB, pid int) (now, peak float64) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kib / 1024
		case "VmHWM":
			peak = kib / 1024
		}
	}
	return now, peak
}

// settle waits until a process has been idle for a while, so that work which
// follows a change is counted with it.
func settle(b testing.TB, pid int) {
	b.Helper()
	for last, end := cpu(b, pid), time.Now().Add(10*time.Second); time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
		now := cpu(b, pid)
		if now-last < 2*time.Millisecond {
			return
		}
		last = now
	}
}
