//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// asGroup gives the program a process group of its own, all of which is killed
// when it is stopped.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
