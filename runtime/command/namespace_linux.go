package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// startOverlaid starts child in a mount namespace of its own, in which the
// overlays stand. Root makes it on a thread that dies afterwards; an ordinary
// user, in a user namespace.
func startOverlaid(child *exec.Cmd, overlays []Overlay) (_ *exec.Cmd, made covers, err error) {
	if os.Geteuid() != 0 {
		return startAsUser(child, overlays)
	}
	done := make(chan struct{})
	go onOtherThread(func() {
		defer close(done)
		made, err = startOnThread(child, overlays)
	})
	<-done
	return child, made, err
}

// onOtherThread runs call on a thread that ends with it. The main thread cannot
// end, and what it sees is what /proc shows of the process: it is not used.
func onOtherThread(call func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		call()
		return // locked: the thread ends
	}
	defer runtime.UnlockOSThread()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		call()
	}()
	<-done
}

func startOnThread(child *exec.Cmd, overlays []Overlay) (made covers, err error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return nil, fmt.Errorf("%w: unshare: %w", ErrNoNamespace, err)
	}
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	err = lay(overlays, cwd, func(dir string, over *os.File) error {
		c, err := newCover(dir, over)
		if err == nil {
			made = append(made, c)
		}
		return err
	})
	if err != nil {
		return made, err
	}
	return made, child.Start()
}

// lay mounts the overlays. It must run in a mount namespace of its own, on a
// thread whose working directory is its own, too. It hands over each directory
// that it has covered, by its path outside and as it is now.
func lay(overlays []Overlay, cwd string, covered func(dir string, over *os.File) error) error {
	// Before anything else: on most hosts mounts are passed on to other
	// namespaces.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return mountError("make private", "/", err)
	}
	overs, err := overPaths(overlays)
	if err != nil {
		return err
	}
	files, err := absolute(overlays)
	if err != nil {
		return err
	}
	if err := makeRoom(overs, covered); err != nil { // it may move about
		return err
	}
	for i, file := range files {
		if err := unix.Mount(file, overs[i], "", unix.MS_BIND, ""); err != nil {
			return mountError("bind", overs[i], err)
		}
	}
	// By its path, since what the path leads to may be covered now.
	if err := unix.Chdir(cwd); err != nil {
		return fmt.Errorf("chdir %s: %w", cwd, err)
	}
	return nil
}

func absolute(overlays []Overlay) (files []string, err error) {
	for _, o := range overlays {
		file, err := filepath.Abs(o.File)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// mountError is ErrNoNamespace where wconf lacks the right to mount, as under
// AppArmor and in containers, and where it runs in a chroot.
func mountError(step, path string, err error) error {
	inChroot := path == "/" && errors.Is(err, unix.EINVAL) // "/" is no mount point there
	if inChroot || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: %s %s: %w", ErrNoNamespace, step, path, err)
	}
	return fmt.Errorf("%s %s: %w", step, path, err)
}
