package etcd

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// cursor is a revision of one cluster's history, and what is known about the
// store at it: enough to prove later, even after a restart, that the store
// still has the same history and that nothing was missed.
type cursor struct {
	cluster uint64
	rev     int64
	scope   uint32 // the prefixes that count and mark speak of
	count   int64  // of keys within the scope
	mark    mark
}

// mark is the newest version of a key that was seen. A store that does not
// have it at its revision has lived another history since (it was restored
// from a snapshot, and may have overtaken the old revision).
type mark struct {
	key string
	mod int64 // 0: there is no key
	sum string
}

// A value that is large is left out of the mark: it is fetched at each probe.
const largestMark = 16 << 10

func markOf(kv *api.KeyValue) mark {
	large := len(kv.Value) > largestMark
	return mark{kv.Key, kv.ModRevision, digest(kv, large)}
}

// is tells whether kv is the very version that was marked.
func (m mark) is(kv *api.KeyValue) bool {
	return m == mark{kv.Key, kv.ModRevision, digest(kv, m.large())}
}

// large tells whether the digest leaves the value out.
func (m mark) large() bool { return strings.HasPrefix(m.sum, "m") }

// digest is a short hash of one version of a key.
func digest(kv *api.KeyValue, large bool) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %d ", kv.CreateRevision, kv.ModRevision, kv.Version)
	if large {
		return "m" + hex.EncodeToString(h.Sum(nil)[:8])
	}
	io.WriteString(h, kv.Value)
	return "v" + hex.EncodeToString(h.Sum(nil)[:8])
}

const cursorVersion = "1"

// text is the cursor for the cache: text that survives JSON, whatever bytes
// the key has.
func (c cursor) text() backend.Cursor {
	key := base64.RawURLEncoding.EncodeToString([]byte(c.mark.key))
	return backend.Cursor(fmt.Sprintf("%s.%x.%d.%x.%d.%d.%s.%s", cursorVersion, c.cluster, c.rev, c.scope, c.count, c.mark.mod, c.mark.sum, key))
}

// parseCursor reads what text wrote. Anything else is a cursor that is lost.
func parseCursor(t backend.Cursor) (c cursor, err error) {
	lost := fmt.Errorf("%w: %q is no cursor of this version of wconf", backend.ErrCursorLost, string(t))
	f := strings.Split(string(t), ".")
	if len(f) != 8 || f[0] != cursorVersion {
		return c, lost
	}
	number := func(s string, base int) (n int64) {
		v, e := strconv.ParseInt(s, base, 64)
		if e != nil || v < 0 {
			err = lost
		}
		return v
	}
	cluster, e := strconv.ParseUint(f[1], 16, 64)
	if e != nil {
		err = lost
	}
	scope, e := strconv.ParseUint(f[3], 16, 32)
	if e != nil {
		err = lost
	}
	key, e := base64.RawURLEncoding.DecodeString(f[7])
	if e != nil {
		err = lost
	}
	c = cursor{cluster, number(f[2], 10), uint32(scope), number(f[4], 10), mark{string(key), number(f[5], 10), f[6]}}
	if c.rev == 0 || c.mark.mod > c.rev {
		err = lost
	}
	return c, err
}
