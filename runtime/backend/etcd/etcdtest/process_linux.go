package etcdtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends a server whose test was killed.
func dieWithParent(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
