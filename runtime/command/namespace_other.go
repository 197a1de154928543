//go:build unix && !linux

package command

import "os/exec"

// Init is needed on Linux only.
func Init() {}

func startOverlaid(*exec.Cmd, []Overlay) (*exec.Cmd, error) { return nil, ErrNoNamespace }
