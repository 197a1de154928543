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

var (
	// ErrDamaged is a record that cannot be trusted; it was set aside.
	ErrDamaged = errors.New("the record is damaged and was set aside")
	// ErrForeign is a record that another machine wrote; it was set aside.
	ErrForeign = errors.New("another machine wrote the record; it was set aside")
)

// Load is the record of a destination, false when there is none or when it is
// another resource's. One whose checksum is wrong, or that is another
// destination's, is ErrDamaged once: it gets another name; so does one of
// another machine, which is ErrForeign.
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
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrForeign):
		os.Rename(path, path+".damaged") //nolint:errcheck // it is not trusted either way
		return Record{}, false, fmt.Errorf("record of %s: %w", dest, err)
	case err != nil:
		return Record{}, false, fmt.Errorf("record of %s: %w", dest, err)
	}
	if rec.Resource != resource { // the destination has changed hands
		return Record{}, false, nil
	}
	return rec, true, nil
}

func read(path string) (rec Record, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return rec, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord || private(path) != nil {
		return rec, ErrDamaged
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return rec, err
	}
	rec, err = open(text, filepath.Base(path))
	if err == nil && !rec.fits(machine(), boot()) {
		return Record{}, ErrForeign
	}
	return rec, err
}

// seal is the text of a record that stands under a name, and open its reverse.
// The name is the hash of the destination: a record that was moved or copied to
// another destination's does not open.
func seal(rec Record, name string) (string, error) {
	body, err := json.Marshal(rec)
	return checksum(name, string(body)) + "\n" + string(body), err
}

func open(text []byte, name string) (rec Record, err error) {
	sum, body, ok := strings.Cut(string(text), "\n")
	if !ok || sum != checksum(name, body) || json.Unmarshal([]byte(body), &rec) != nil {
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
	text, err := seal(rec, filepath.Base(path))
	if err != nil {
		return fmt.Errorf("record of %s: %w", dest, err)
	}
	if err := replace(path, text, durable); err != nil {
		return fmt.Errorf("record of %s: %w", dest, err)
	}
	return nil
}

func checksum(name, body string) string {
	sum := sha256.Sum256([]byte("wconf ledger 2\n" + name + "\n" + body))
	return hex.EncodeToString(sum[:])
}

func replace(path, text string, durable bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), partPrefix)
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
