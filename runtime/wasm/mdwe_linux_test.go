package wasm_test

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

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
	if err := unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); err != nil {
		t.Logf("this kernel has no PR_SET_MDWE (Linux 6.3): %v", err)
	}
	hello(t, t.TempDir()+"/cache", nil)
	r := newRuntime(t, wasm.Options{Interpreter: true})
	m := load(t, r, guest(t, `(call $write (i32.const 0) (i32.const 5))`))
	if got, stats, err := run(t, m, wasm.Invocation{}); err != nil || got != "hello" || stats.Fuel != 3+3+64 {
		t.Errorf("got %q with %d units of fuel, %v", got, stats.Fuel, err)
	}
}
