//go:build unix

package command

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

const mostOutput = 64 << 10

// ring keeps the last bytes that were written to it.
type ring struct {
	mu    sync.Mutex
	bytes []byte
	next  int // where the oldest byte is, once full
	more  bool
}

func (r *ring) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(p)
	if room := mostOutput - len(r.bytes); room > 0 {
		take := min(room, len(p))
		r.bytes, p = append(r.bytes, p[:take]...), p[take:]
	}
	for len(p) > 0 {
		copied := copy(r.bytes[r.next:], p)
		r.next, p, r.more = (r.next+copied)%mostOutput, p[copied:], true
	}
	return n, nil
}

func (r *ring) last() (output []byte, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]byte(nil), r.bytes[r.next:]...), r.bytes[:r.next]...), r.more
}

// output is the reading end of a command's stdout and stderr. Its goroutine
// outlives the command for as long as a child of it keeps the other end open:
// such a daemon must neither wait for a reader nor be killed for want of one.
type output struct {
	pipe    *os.File
	kept    ring
	settled chan struct{} // all that the direct child wrote is in kept
}

func readOutput(pipe *os.File) *output {
	o := &output{pipe: pipe, settled: make(chan struct{})}
	go o.read()
	return o
}

// settle returns what was written up to now. It is for use after the direct
// child has ended.
func (o *output) settle() (last []byte, more bool) {
	o.pipe.SetReadDeadline(time.Unix(1, 0))
	<-o.settled
	return o.kept.last()
}

func (o *output) read() {
	defer o.pipe.Close()
	_, err := io.Copy(&o.kept, readerOnly{o.pipe})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.pipe.SetReadDeadline(time.Time{})
		o.takeWaiting()
		close(o.settled)
		io.Copy(io.Discard, readerOnly{o.pipe})
		return
	}
	close(o.settled)
}

// takeWaiting reads what is in the pipe, without waiting for more. A pipe holds
// a mebibyte at most; what comes faster than it is read is not the child's.
func (o *output) takeWaiting() {
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	raw.Read(func(fd uintptr) bool {
		for total := 0; total < 1<<20; {
			n, err := syscall.Read(int(fd), buf)
			if n <= 0 || err != nil {
				break
			}
			o.kept.Write(buf[:n])
			total += n
		}
		return true
	})
}

// readerOnly hides what lets io.Copy splice, which heeds no deadline.
type readerOnly struct{ io.Reader }
