package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxRecord bounds what is read back: more is not a record.
const maxRecord = 256 << 20

// ErrDamaged is a record that cannot be trusted; it was set aside.
var ErrDamaged = errors.New("the record is damaged and was set aside")

// Load is the record of a destination, false when there is none. A record
// whose checksum, destination or resource is wrong is ErrDamaged once: it gets
// another name.
func (l *Ledger) Load(dest, resource string) (Record, bool, error) {
	if l.Usable() != nil {
		return Record{}, false, nil
	}
	path, err := l.of(dest)
	if err != nil {
		return Record{}, false, err
	}
	rec, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Record{}, false, nil
	case errors.Is(err, ErrDamaged):
		os.Rename(path, path+".damaged") //nolint:errcheck // it is not trusted either way
		return Record{}, false, fmt.Errorf("record of %s: %w", dest, err)
	case err != nil:
		return Record{}, false, fmt.Errorf("record of %s: %w", dest, err)
	}
	if rec.Resource != resource { // the destination has changed hands
		return Record{}, false, nil
	}
	rec.Owed = rec.Owed && (rec.Machine == machine() && rec.Machine != "" || rec.Boot == boot() && rec.Boot != "")
	return rec, true, nil
}

func read(path string) (rec Record, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return rec, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return rec, ErrDamaged
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return rec, err
	}
	sum, body, ok := strings.Cut(string(text), "\n")
	if !ok || sum != checksum(body) || json.Unmarshal([]byte(body), &rec) != nil {
		return Record{}, ErrDamaged
	}
	return rec, nil
}

// Save replaces the record of a destination. With durable set it survives a
// power cut when Save returns; otherwise what is lost is what could be lost.
func (l *Ledger) Save(dest string, rec Record, durable bool) error {
	if err := l.Usable(); err != nil {
		if durable {
			return err
		}
		return nil
	}
	path, err := l.of(dest)
	if err != nil {
		return err
	}
	if rec.Dest, err = filepath.Abs(dest); err != nil {
		return err
	}
	rec.Machine, rec.Boot = machine(), boot()
	body, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("record of %s: %w", dest, err)
	}
	if err := replace(path, checksum(string(body))+"\n"+string(body), durable); err != nil {
		return fmt.Errorf("record of %s: %w", dest, err)
	}
	return nil
}

func checksum(body string) string {
	sum := sha256.Sum256([]byte("wconf ledger 1\n" + body))
	return hex.EncodeToString(sum[:])
}

func replace(path, text string, durable bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".record")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone after the rename
	_, err = f.WriteString(text)
	if err == nil && durable {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil && durable {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// machine and boot say where a debt was made. A state directory that came
// with an image was made neither here nor now.
func machine() string { return firstLine("/etc/machine-id") }
func boot() string    { return firstLine("/proc/sys/kernel/random/boot_id") }

func firstLine(path string) string {
	text, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
