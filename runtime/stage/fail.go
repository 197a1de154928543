package stage

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"github.com/wconf/wconf/runtime/problem"
)

// failed is the problem that a step met at path, with the hint that fits the
// cause.
func failed(path, step string, cause error) error {
	if cause == nil {
		return nil
	}
	var known *problem.Problem
	if errors.As(cause, &known) {
		return cause
	}
	return &problem.Problem{
		Code: problem.StageFailed,
		Msg:  fmt.Sprintf("stage %s: %s: %v", path, step, cause),
		Hint: hint(path, cause),
		Err:  cause,
	}
}

func hint(path string, cause error) string {
	var no *errRefused
	switch {
	case errors.As(cause, &no):
		return onlyStrict
	case errors.Is(cause, errNoDirectory):
		return "wconf makes no directories; mkdir -p " + filepath.Dir(path)
	case errors.Is(cause, syscall.ENOSPC), errors.Is(cause, syscall.EDQUOT):
		return "the disk is full; the old file stands"
	case errors.Is(cause, syscall.EROFS):
		return "the file system is mounted read-only"
	case errors.Is(cause, syscall.EPERM):
		return "look at the owner of the directory and at lsattr"
	case errors.Is(cause, syscall.EACCES):
		return "wconf may not write there"
	}
	return ""
}

const onlyStrict = "strict = true refuses this; without it, it is a warning"

// refused is what strict = true says.
func refused(path, why string) error {
	return &problem.Problem{
		Code: problem.StageFailed,
		Msg:  fmt.Sprintf("stage %s: %s", path, why),
		Hint: onlyStrict,
	}
}

// touched is what a check left behind that was not staged.
func touched(path string, cause error) error {
	return &problem.Problem{
		Code: problem.CheckFailed,
		Msg:  fmt.Sprintf("stage %s: %v", path, cause),
		Hint: "check_cmd must only read the file",
		Err:  cause,
	}
}

var errEnded = errors.New("it was swapped or discarded before")
