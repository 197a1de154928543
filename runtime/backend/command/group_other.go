//go:build !unix

package command

import "os/exec"

// asGroup does nothing: only the program itself is killed when it is stopped.
func asGroup(*exec.Cmd) {}
