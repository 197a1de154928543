package command

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// An ordinary user may mount only in a user namespace, and a process enters one
// when it starts. So wconf starts itself with this name; the copy mounts the
// overlays and becomes the command.
const hiddenName = "wconf-overlaid"

// reportFD is where the copy says what it did.
const reportFD = 3

var initialised atomic.Bool

// order is what the copy is to do.
type order struct {
	overlays []Overlay
	cwd      string
	path     string
	argv     []string
}

// words are the order as arguments: paths may hold any byte but NUL, and so may
// arguments.
func (o order) words() []string {
	words := []string{hiddenName, strconv.Itoa(len(o.overlays))}
	for _, l := range o.overlays {
		words = append(words, l.File, l.Over)
	}
	return append(append(words, o.cwd, o.path), o.argv...)
}

func readOrder(words []string) (o order, err error) {
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 0 || len(words) < 2+2*n+3 {
		return o, fmt.Errorf("%s is not for users", hiddenName)
	}
	for words = words[2:]; n > 0; n-- {
		o.overlays = append(o.overlays, Overlay{File: words[0], Over: words[1]})
		words = words[2:]
	}
	o.cwd, o.path, o.argv = words[0], words[1], words[2:]
	return o, nil
}

// Init must be the first call of main, and of TestMain: when the process was
// started as the copy that a command with overlays needs, Init becomes that
// command and does not return. Where it was never called, an ordinary user's
// overlays are ErrNoNamespace.
func Init() {
	initialised.Store(true)
	if len(os.Args) < 2 || os.Args[0] != hiddenName {
		return
	}
	_ = report{reportFD}.failed(become(os.Args))
	os.Exit(126)
}

// become returns only when it failed.
func become(words []string) error {
	unix.CloseOnExec(reportFD)
	o, err := readOrder(words)
	if err != nil {
		return err
	}
	if err := lay(o.overlays, o.cwd, report{reportFD}.covered); err != nil {
		return err
	}
	if err := (report{reportFD}).ready(); err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("drop the right to mount: %w", err)
	}
	if err := syscall.Exec(o.path, o.argv, os.Environ()); err != nil {
		return fmt.Errorf("exec %s: %w", o.path, err)
	}
	return nil
}

// startAsUser starts a copy of wconf that becomes child.
func startAsUser(child *exec.Cmd, overlays []Overlay) (*exec.Cmd, covers, error) {
	if child.Err != nil {
		return nil, nil, child.Err
	}
	if !initialised.Load() || wantsOtherRights(child.Args) {
		return nil, nil, ErrNoNamespace
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	ours, theirs, err := reports()
	if err != nil {
		return nil, nil, err
	}
	defer ours.Close()
	copied := &exec.Cmd{
		Path: "/proc/self/exe", Args: order{overlays, cwd, child.Path, child.Args}.words(),
		Stdout: child.Stdout, Stderr: child.Stderr, ExtraFiles: []*os.File{theirs},
		SysProcAttr: userNamespace(),
	}
	err = copied.Start()
	theirs.Close()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoNamespace, err)
	}
	made, err := readReport(ours)
	if err != nil {
		copied.Process.Kill()
		copied.Wait()
	}
	return copied, made, err
}

// userNamespace keeps the user's ids. Since its user is not root there either,
// the right to mount must be carried over the first execution; it is dropped
// before the second.
func userNamespace() *syscall.SysProcAttr {
	uid, gid := os.Geteuid(), os.Getegid()
	return &syscall.SysProcAttr{
		Setpgid:     true,
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
	}
}

// wantsOtherRights says whether a command calls a program that gives other
// rights: in a user namespace they have no effect.
func wantsOtherRights(argv []string) bool {
	for _, text := range argv {
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n;|&()`'\"", r) }) {
			switch word[strings.LastIndexByte(word, '/')+1:] {
			case "sudo", "doas", "pkexec", "su":
				return true
			}
		}
	}
	return false
}
