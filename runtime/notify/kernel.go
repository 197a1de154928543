package notify

import (
	"errors"
	"io/fs"
	"os"

	"github.com/fsnotify/fsnotify"
)

// kernel is what the operating system watches for us: single directories and
// files, by their real paths.
type kernel struct {
	open    func() (*fsnotify.Watcher, error)
	watcher *fsnotify.Watcher // nil: the system gives none
	none    error             // why there is none
	live    map[string]struct{}
	known   map[string]fs.FileInfo // what was watched under a path
	refused map[string]error       // places that the system does not watch
}

func newKernel(open func() (*fsnotify.Watcher, error)) *kernel {
	return &kernel{open: open, known: map[string]fs.FileInfo{}, refused: map[string]error{}}
}

func (k *kernel) events() <-chan fsnotify.Event {
	if k.watcher == nil {
		return nil
	}
	return k.watcher.Events
}

func (k *kernel) errors() <-chan error {
	if k.watcher == nil {
		return nil
	}
	return k.watcher.Errors
}

func (k *kernel) close() {
	if k.watcher != nil {
		k.watcher.Close()
	}
}

// begin starts a look: what the system still watches is asked once.
func (k *kernel) begin() {
	k.live = map[string]struct{}{}
	if k.watcher == nil {
		k.watcher, k.none = k.open()
		if k.none != nil {
			k.watcher = nil
			return
		}
	}
	for _, place := range k.watcher.WatchList() {
		k.live[place] = struct{}{}
	}
}

// watch has a place watched, anew when the path has come to mean another
// directory or file.
func (k *kernel) watch(place string, info fs.FileInfo) {
	if k.watcher == nil {
		return
	}
	if _, live := k.live[place]; live {
		if os.SameFile(info, k.known[place]) {
			return
		}
		k.watcher.Remove(place)
	}
	switch err := k.watcher.Add(place); {
	case err == nil:
		k.live[place] = struct{}{}
		k.known[place] = info
		delete(k.refused, place)
	case !errors.Is(err, fs.ErrNotExist):
		k.refused[place] = err
	}
}

// end closes a look: places that nobody needs any longer are let go. It
// returns why something that is needed is not watched.
func (k *kernel) end(needed map[string]struct{}) (refused error) {
	for place := range k.live {
		if _, ok := needed[place]; !ok {
			k.watcher.Remove(place)
			delete(k.known, place)
		}
	}
	refused = k.none
	for place, err := range k.refused {
		if _, ok := needed[place]; ok {
			refused = err
		} else {
			delete(k.refused, place)
		}
	}
	return refused
}
