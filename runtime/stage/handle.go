//go:build unix

package stage

import (
	"io"

	"golang.org/x/sys/unix"
)

// handle is an open descriptor. An os.File asks the kernel whether it can be
// waited for, which no file here can, and has a finalizer: both cost more than
// most calls that are made with it.
type handle int

func (h handle) close() { unix.Close(int(h)) } //nolint:errcheck // what counts was synced before

// read reads what one call gives; zero bytes are the end.
func (h handle) read(p []byte, off int64) (n int, err error) {
	err = again(func() error {
		n, err = unix.Pread(int(h), p, off)
		return err
	})
	return max(n, 0), err
}

// readAll reads the file to its end, or to size, which it had a moment ago. Of
// one that grows meanwhile it reads mostOld bytes and little more.
func (h handle) readAll(size int64) ([]byte, error) {
	all := make([]byte, 0, size+1)
	for {
		n, err := h.read(all[len(all):cap(all)], int64(len(all)))
		if err != nil {
			return nil, err
		}
		all = all[:len(all)+n]
		if n == 0 || int64(len(all)) == size || len(all) >= mostOld {
			return all, nil
		}
		if len(all) == cap(all) {
			all = append(all, 0)[:len(all)]
		}
	}
}

// write writes p to the beginning of the file.
func (h handle) write(p []byte) error {
	for off := 0; off < len(p); {
		var n int
		if err := again(func() (err error) {
			n, err = unix.Pwrite(int(h), p[off:], int64(off))
			return err
		}); err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		off += n
	}
	return nil
}
