package wasm_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// Where the system forbids machine code (systemd's MemoryDenyWriteExecute),
// guests run in the interpreter. The process is changed for good; so the test
// runs itself as a child.
func TestWithoutMachineCode(t *testing.T) {
	if os.Getenv("WCONF_TEST_MDWE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWithoutMachineCode$", "-test.v")
		cmd.Env = append(os.Environ(), "WCONF_TEST_MDWE=1")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		return
	}
	denied := true
	if err := unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); err != nil {
		t.Logf("this kernel has no PR_SET_MDWE (Linux 6.3): %v", err)
		denied = false
	}
	said := hello(t, t.TempDir()+"/cache", nil)
	if n := strings.Count(said, "guests run in the interpreter"); denied && n != 1 || !denied && n != 0 {
		t.Errorf("it is said %d times:\n%s", n, said)
	}
	for _, asked := range []bool{false, true} { // who asks for an interpreter knows what it takes
		want := "it was stopped after 50ms"
		if denied && !asked {
			want = "it was stopped after 500ms"
		}
		m := load(t, newRuntime(t, wasm.Options{Interpreter: asked, Background: true}), guest(t, `(loop $l (br $l))`))
		_, _, err := run(t, m, wasm.Invocation{Limits: wasm.Limits{Time: 50 * time.Millisecond, Fuel: 1e11}})
		wantProblem(t, err, problem.GuestTimeout, want)
	}
	r := newRuntime(t, wasm.Options{Interpreter: true})
	m := load(t, r, guest(t, `(call $write (i32.const 0) (i32.const 5))`))
	if got, stats, err := run(t, m, wasm.Invocation{}); err != nil || got != "hello" || stats.Fuel != 3+3+64 {
		t.Errorf("got %q with %d units of fuel, %v", got, stats.Fuel, err)
	}
}
