package cache

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// image is what a cache file holds. In the file it is
//
//	"wconf cache 1\n"
//	block: the fields below as a JSON object
//	block: pairs, in the order of their keys
//	...
//
// A block is its length and a checksum (CRC-32C of everything since the first
// block; both 32 bits, little-endian), then its bytes. A pair is key and value,
// each after its length as a varint. The file ends with the last pair.
type image struct {
	Store    string         `json:"store"`
	Prefixes []string       `json:"prefixes"`
	Cursor   backend.Cursor `json:"cursor"`
	At       time.Time      `json:"at"` // when these were the store's keys
	Keys     int            `json:"keys"`

	snapshot *kv.Snapshot
}

const (
	magic     = "wconf cache 1\n"
	blockSize = 64 << 10 // a pair that is larger has a block of its own
	maxFile   = 1 << 30
)

// castagnoli is made once, and not before it is needed.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// writer writes an image. The first error stays.
type writer struct {
	to    io.Writer
	block []byte // after room for length and checksum
	sum   uint32
	size  int64
	err   error
}

func (w *writer) image(im image) error {
	im.Keys = im.snapshot.Len()
	if im.bytes() > maxFile {
		return fmt.Errorf("the keys and values are more than %d MiB", maxFile>>20)
	}
	w.write([]byte(magic))
	w.block = make([]byte, 8, 2*blockSize)
	head, err := json.Marshal(im)
	if err != nil {
		return err
	}
	w.block = append(w.block, head...)
	w.flush()
	for k, v := range im.snapshot.From("") {
		if n := len(k) + len(v); len(w.block)+n > blockSize {
			w.flush()
		}
		w.text(k)
		w.text(v)
		if w.err != nil {
			return w.err
		}
	}
	w.flush()
	return w.err
}

func (w *writer) text(s string) {
	w.block = binary.AppendUvarint(w.block, uint64(len(s)))
	w.block = append(w.block, s...)
}

func (w *writer) flush() {
	body := w.block[8:]
	if len(body) == 0 {
		return
	}
	w.sum = crc32.Update(w.sum, castagnoli(), body)
	binary.LittleEndian.PutUint32(w.block, uint32(len(body)))
	binary.LittleEndian.PutUint32(w.block[4:], w.sum)
	w.write(w.block)
	w.block = w.block[:8]
}

func (w *writer) write(b []byte) {
	w.size += int64(len(b))
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

// bytes is about how large the file becomes.
func (im image) bytes() (n int64) {
	for k, v := range im.snapshot.From("") {
		n += int64(len(k) + len(v) + 2)
	}
	return n
}

// covers tells whether an image holds everything below prefixes.
func (im image) covers(prefixes []string) bool {
	wanted := make([]kv.Pair, len(prefixes))
	for i, p := range prefixes {
		wanted[i].Key = p
	}
	return len(backend.Below(wanted, im.Prefixes)) == len(prefixes)
}

// narrowed is what an image holds below prefixes. It has no cursor, unless
// that is everything: a cursor is one of its prefixes.
func (im image) narrowed(prefixes []string) image {
	if slices.Equal(im.Prefixes, prefixes) {
		return im
	}
	var all []kv.Pair
	for k, v := range im.snapshot.From("") {
		all = append(all, kv.Pair{Key: k, Value: v})
	}
	im.snapshot, im.Prefixes, im.Cursor = kv.NewSnapshot(backend.Below(all, prefixes)), prefixes, ""
	return im
}

// reader reads an image of which nothing is believed.
type reader struct {
	from  io.Reader
	left  int64 // bytes that can still come
	block []byte
	sum   uint32
}

var errDamaged = errors.New("it is damaged")

// image reads everything, or returns an error. It takes no more memory than a
// few times what there is to read.
func (r *reader) image() (im image, err error) {
	first := make([]byte, len(magic))
	if _, err := io.ReadFull(r.from, first); err != nil || string(first) != magic {
		return im, errors.New("it is no cache file of this version")
	}
	r.left -= int64(len(magic))
	head, err := r.next()
	if err != nil {
		return im, err
	}
	if err := json.Unmarshal([]byte(head), &im); err != nil || im.Keys < 0 || int64(im.Keys) > r.left/2 {
		return im, fmt.Errorf("%w: its head", errDamaged)
	}
	pairs, err := r.pairs(im.Keys)
	im.snapshot = kv.NewSnapshot(pairs)
	return im, err
}

func (r *reader) pairs(n int) ([]kv.Pair, error) {
	pairs, last := make([]kv.Pair, 0, n), ""
	for r.left > 0 {
		body, err := r.next()
		if err != nil {
			return nil, err
		}
		for body != "" {
			var p kv.Pair
			var ok [2]bool
			p.Key, body, ok[0] = cutText(body)
			p.Value, body, ok[1] = cutText(body)
			if !ok[0] || !ok[1] || p.Key <= last || len(pairs) == n {
				return nil, fmt.Errorf("%w: after %d keys", errDamaged, len(pairs))
			}
			pairs, last = append(pairs, p), p.Key
		}
	}
	if len(pairs) != n {
		return nil, fmt.Errorf("%w: %d keys of %d", errDamaged, len(pairs), n)
	}
	return pairs, nil
}

// next is the next block. Keys and values stay parts of it: half a million
// strings cost half a million allocations less.
func (r *reader) next() (string, error) {
	var frame [8]byte
	if r.left -= 8; r.left < 0 {
		return "", fmt.Errorf("%w: it ends within a block", errDamaged)
	}
	if _, err := io.ReadFull(r.from, frame[:]); err != nil {
		return "", err
	}
	n := int64(binary.LittleEndian.Uint32(frame[:]))
	if r.left -= n; r.left < 0 || n == 0 {
		return "", fmt.Errorf("%w: it ends within a block", errDamaged)
	}
	r.block = slices.Grow(r.block[:0], int(n))[:n]
	if _, err := io.ReadFull(r.from, r.block); err != nil {
		return "", err
	}
	r.sum = crc32.Update(r.sum, castagnoli(), r.block)
	if r.sum != binary.LittleEndian.Uint32(frame[4:]) {
		return "", fmt.Errorf("%w: a checksum is wrong", errDamaged)
	}
	return string(r.block), nil
}

// cutText cuts a text with its length off a block.
func cutText(s string) (text, rest string, ok bool) {
	n, shift := uint64(0), 0
	for i := 0; i < len(s) && shift < 63; i++ {
		n |= uint64(s[i]&0x7f) << shift
		if s[i] < 0x80 {
			s = s[i+1:]
			if n > uint64(len(s)) {
				return "", "", false
			}
			return s[:n], s[n:], true
		}
		shift += 7
	}
	return "", "", false
}
