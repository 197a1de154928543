package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wconf/wconf/runtime/needs"
)

// The test binary is the program, under both of its names.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wconf": main, "confd": main})
}

// Each script shows one behaviour of the program as its users see it.
func TestScripts(t *testing.T) { scripts(t, "script") }

// Completion in a real bash.
func TestBash(t *testing.T) {
	needs.Tool(t, "bash")
	scripts(t, "bash")
}

func scripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", dir),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			guests, err := filepath.Abs(filepath.Join("..", "..", "guests"))
			env.Setenv("GUESTS", guests)
			env.Setenv("WCONF_STATE_DIR", filepath.Join(env.WorkDir, "state"))
			return err
		},
		Condition: func(cond string) (bool, error) {
			if cond != "root" {
				return false, fmt.Errorf("no condition %q", cond)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"eventually": eventually,
			"signal":     sendSignal,
			"rc":         rc,
			"serves":     serves,
		},
	})
}

// patience is how long a daemon may take for anything.
const patience = 20 * time.Second

// eventually waits until a file contains a text: eventually FILE TEXT.
// With "! " it waits until the file is gone or lacks the text.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: eventually FILE TEXT")
	}
	var last string
	come := func() bool {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		last = string(text)
		return strings.Contains(last, args[1]) != neg
	}
	if !needs.Await(patience, come) {
		ts.Fatalf("%s does not become so; it holds:\n%s", args[0], last)
	}
}

// serves waits until the server whose address stands in a log answers a path
// with a text: serves LOG PATH TEXT.
func serves(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: serves LOG PATH TEXT")
	}
	at := regexp.MustCompile(`address=([0-9.:]+)`).FindStringSubmatch(ts.ReadFile(args[0]))
	if at == nil {
		ts.Fatalf("%s names no address", args[0])
	}
	last := ""
	come := func() bool {
		answer, err := http.Get("http://" + at[1] + args[1])
		if err != nil {
			last = err.Error()
			return false
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		last = strings.TrimSuffix(string(text), "\n")
		return last == args[2]
	}
	if !needs.Await(patience, come) {
		ts.Fatalf("%s answers %q", args[1], last)
	}
}

// sendSignal sends a signal to the process whose number a file holds: signal HUP FILE.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal HUP|USR1|TERM|KILL FILE")
	}
	pid := strings.TrimSpace(ts.ReadFile(args[1]))
	if err := exec.Command("kill", "-"+args[0], pid).Run(); err != nil {
		ts.Fatalf("kill -%s %s: %v", args[0], pid, err)
	}
}

// rc runs a program that must exit with a code: rc 2 wconf --nope.
func rc(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: rc CODE PROGRAM [ARGUMENT ...]")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = err.Error()
		if exited, ok := err.(*exec.ExitError); ok {
			got = exitText(exited)
		}
	}
	if got != args[0] {
		ts.Fatalf("%s exits with %s, want %s", args[1], got, args[0])
	}
}

func exitText(e *exec.ExitError) string {
	if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return s.Signal().String()
	}
	return strings.TrimPrefix(e.Error(), "exit status ")
}
