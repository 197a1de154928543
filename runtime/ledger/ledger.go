// Package ledger remembers, for each destination, what is on disk, what was
// accepted and what the service runs, so that owed reloads and the conditions'
// past survive a restart.
//
// A record is a checksummed file of its own below the state directory, mode
// 0600 in a directory 0700, replaced whole; one that is damaged, or was written
// for another destination or on another machine, is set aside, never trusted.
// The ledger never decides anything, and a state directory that cannot be
// written costs a warning, not a render.
package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Ledger is a state directory. The zero value and nil keep nothing.
type Ledger struct {
	dir  string
	once sync.Once
	err  error // why it keeps nothing
}

// Open is the ledger in dir, which is made when it is first needed.
func Open(dir string) *Ledger { return &Ledger{dir: dir} }

// Usable makes the state directory and tells whether the ledger can keep
// anything.
func (l *Ledger) Usable() error {
	if l == nil || l.dir == "" {
		return errNoDirectory
	}
	l.once.Do(func() {
		if err := os.MkdirAll(filepath.Join(l.dir, locks), 0o700); err != nil {
			l.err = fmt.Errorf("state directory: %w", err)
			return
		}
		if err := private(l.dir); err != nil {
			l.err = fmt.Errorf("state directory: %w", err)
			return
		}
		probe, err := os.CreateTemp(l.dir, ".probe")
		if err != nil {
			l.err = fmt.Errorf("state directory: %w", err)
			return
		}
		probe.Close()
		os.Remove(probe.Name())
		sweep(l.dir, time.Now())
	})
	return l.err
}

var errNoDirectory = fmt.Errorf("no state directory")

// of is where the record of a destination is.
func (l *Ledger) of(dest string) (string, error) {
	abs, err := filepath.Abs(dest)
	if err != nil {
		return "", fmt.Errorf("record of %s: %w", dest, err)
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(l.dir, hex.EncodeToString(sum[:16])), nil
}

// Record is what is remembered of one destination. Hashes are hex SHA-256 of
// contents.
type Record struct {
	Resource string `json:"resource"`
	Dest     string `json:"dest"` // absolute

	Disk     string `json:"disk"`     // last put there
	Accepted string `json:"accepted"` // needs no reload any more
	Running  string `json:"running"`  // the service loaded it

	Owed    bool   `json:"owed,omitempty"`    // where the file itself cannot be marked
	Machine string `json:"machine,omitempty"` // the record counts when either is still the same
	Boot    string `json:"boot,omitempty"`

	LastAt   time.Time   `json:"last_at,omitzero"` // the last reload that was tried
	LastExit int         `json:"last_exit,omitempty"`
	Failures int         `json:"failures,omitempty"` // in a row
	Reloads  int         `json:"reloads,omitempty"`
	History  []time.Time `json:"history,omitempty"`
	Pending  time.Time   `json:"pending,omitzero"` // the oldest change that no reload has seen

	// What the last reload knew, kept where conditions compare with it.
	Pairs Pairs  `json:"pairs,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
}

// Hash is the hex SHA-256 by which contents are known.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Lock keeps other wconf away from a destination until Unlock. It waits until
// ctx is done; then it is a *problem.Problem with the code busy that names the
// other. Without a usable directory it locks nothing.
func (l *Ledger) Lock(ctx context.Context, dest string) (*Lock, error) {
	if l.Usable() != nil {
		return nil, nil
	}
	path, err := l.of(dest)
	if err != nil {
		return nil, err
	}
	return lock(ctx, filepath.Join(l.dir, locks, filepath.Base(path)), dest)
}
