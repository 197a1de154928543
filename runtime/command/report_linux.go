package command

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// report is the copy's end of a socket to wconf, which keeps messages apart. It
// closes when the copy becomes the command.
type report struct{ fd int }

// What a message begins with.
const (
	saysCovered     = 'c' // a directory's path, and what covers it
	saysReady       = 'r' // it waits for an answer, and then becomes the command
	saysFailed      = 'e' // why
	saysNoNamespace = 'n' // why
)

func (r report) covered(dir string, over *os.File) error {
	defer over.Close()
	return r.say(saysCovered, dir, unix.UnixRights(int(over.Fd())))
}

// ready returns when wconf has seen what stands in the directories.
func (r report) ready() error {
	if err := r.say(saysReady, "", nil); err != nil {
		return err
	}
	if n, err := unix.Read(r.fd, make([]byte, 1)); err != nil || n != 1 {
		return errors.Join(errors.New("wconf did not answer"), err)
	}
	return nil
}

func (r report) failed(err error) error {
	if errors.Is(err, ErrNoNamespace) {
		return r.say(saysNoNamespace, strings.TrimPrefix(err.Error(), ErrNoNamespace.Error()+": "), nil)
	}
	return r.say(saysFailed, err.Error(), nil)
}

func (r report) say(kind byte, text string, rights []byte) error {
	return unix.Sendmsg(r.fd, append([]byte{kind}, text...), rights, nil, 0)
}

// reports are the two ends of such a socket.
func reports() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	mine := os.NewFile(uintptr(fds[0]), "report")
	defer mine.Close()
	theirs = os.NewFile(uintptr(fds[1]), "report")
	conn, err := net.FileConn(mine)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// readReport waits until the copy has become the command, or has failed.
func readReport(from *net.UnixConn) (made covers, err error) {
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	message, rights := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4))
	for ready := false; ; {
		n, m, _, _, err := from.ReadMsgUnix(message, rights)
		if n == 0 && ready {
			return made, nil
		}
		if n == 0 {
			return made, errors.Join(errors.New("the copy of wconf that mounts has died"), err)
		}
		switch text := string(message[1:n]); message[0] {
		case saysCovered:
			c, err := coverOf(text, rights[:m])
			if err != nil {
				return made, err
			}
			made = append(made, c)
		case saysReady:
			ready = true
			if _, err := from.Write([]byte{saysReady}); err != nil {
				return made, err
			}
		case saysNoNamespace:
			return made, fmt.Errorf("%w: in a user namespace: %s", ErrNoNamespace, text)
		default:
			return made, errors.New(text)
		}
	}
}

// coverOf is the directory that came with a message.
func coverOf(dir string, rights []byte) (cover, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return cover{}, errors.Join(fmt.Errorf("%s came without its cover", dir), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return cover{}, errors.Join(fmt.Errorf("%s came without its cover", dir), err)
	}
	return newCover(dir, os.NewFile(uintptr(fds[0]), dir))
}
