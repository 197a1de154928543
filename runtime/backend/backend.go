// Package backend is the promise between wconf and a key store: list, watch,
// close. A store that keeps it loses no update.
//
// The package holds no client and no cache; each folder below it is one store.
// How to add one stands in README.md beside this file.
package backend

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

// Cursor is a place in a store's history. Only the backend that made it reads
// it.
type Cursor string

// Listing is every pair at or below the asked prefixes, all read at one moment
// of the store's history, and that moment.
type Listing struct {
	Pairs  []kv.Pair
	Cursor Cursor
}

// Batch is one step of a store's history; all of it happened at once. With
// Full set, Puts is the whole truth and Deletes is empty. A batch that changes
// nothing says that the watcher is still up to date: caches are as fresh as
// their last batch. A Watch may begin with a Full batch, and a store that has
// no history sends nothing else; steps that came close together may then be
// one batch, or one that changes nothing when they cancelled out.
type Batch struct {
	Full    bool
	Puts    []kv.Pair
	Deletes []string
	Cursor  Cursor
}

// Backend reads one key store. Its methods may be called from several
// goroutines.
//
// Prefixes are clean slash paths, none of them within another; "/" is
// everything. A key is at or below a prefix by whole segments: "/foo" never
// brings "/foobar". Keys are handed on as the store has them, never cleaned;
// the cache hides the ones that are not canonical.
type Backend interface {
	// List reads everything at or below prefixes: all of it or an error,
	// never a part. It does not retry.
	List(ctx context.Context, prefixes []string) (Listing, error)

	// Watch sends every later step, in order and without a gap, until ctx is
	// done or it cannot vouch for that any longer; then it returns an error.
	// ErrCursorLost says that the history after from is gone, or that from is
	// no cursor of this store, and the store has to be listed again; after any
	// other error Watch can be called again with the last cursor received. It
	// never closes out and has left no goroutine when it returns. It blocks
	// while nobody receives from out, and buffers no more than a little.
	Watch(ctx context.Context, prefixes []string, from Cursor, out chan<- Batch) error

	// Close frees what the backend holds. List and Watch that still run end
	// with an error.
	Close() error
}

// ErrCursorLost is returned by Watch when the history after the cursor is gone.
var ErrCursorLost = errors.New("the store's history before the cursor is gone")

// ErrDiffers is joined to ErrCursorLost by a Watch that has compared, and found
// that the store holds other keys than it was told of.
var ErrDiffers = errors.New("the store holds other keys than its watch told of")

// Resyncer is a further power: a backend that can compare what the cache holds
// with the store more cheaply than by listing everything.
type Resyncer interface {
	// Differs tells whether the store, at the moment of cursor or later,
	// holds anything else than pairs below prefixes.
	Differs(ctx context.Context, prefixes []string, s *kv.Snapshot) (bool, error)
}

// ErrRefused is what List ends with where the store does not let this user read
// all of what is asked for.
var ErrRefused = errors.New("the store refuses what is asked for")

// Refuser is a further power: a backend that can tell which prefixes its user may
// not read, so that the others can be read without them.
type Refuser interface {
	Refused(ctx context.Context, prefixes []string) (refused []string, err error)
}

// Preparer is a further power: a backend that can begin with what the first List
// needs before anybody knows its prefixes.
type Preparer interface {
	// Prepare begins, and returns at once. What goes wrong List will tell.
	Prepare(ctx context.Context)
}

// Config is what every backend is opened with. Fields that a store has no use
// for are ignored. The zero value means the store's defaults.
type Config struct {
	Nodes       []string      // URLs or host:port
	Files       []string      // files and directories of the file backend
	Filter      string        // glob on the base names of files in a directory
	ClientCert  string        // file names, PEM; read again when they change
	ClientKey   string        //
	CAKeys      string        //
	Insecure    bool          // do not verify the server's certificate
	ServerName  string        // expected in the server's certificate
	Username    string        //
	Password    string        //
	Scheme      string        // "http" or "https" where a node has none
	SRVDomain   string        // discover nodes by DNS: _<backend>._tcp.<domain>
	SRVRecord   string        // or by exactly this record
	Command     []string      // argv of the command backend
	Interval    time.Duration // between polls of stores that can only be polled
	Timeout     time.Duration // for one request
	DialTimeout time.Duration //
	Identity    string        // rancher: X-Forwarded-For, the client whose "self" is wanted
	BareKeys    bool          // etcd: keys without a leading slash appear below "/"
	NullAsText  bool          // rancher: a null becomes the text "null", as in confd; else no key
	MissingFail bool          // rancher: a missing path is an error, not an empty one
	Log         *slog.Logger  // nil: discard
}

// Factory opens one kind of store.
type Factory struct {
	Name    string
	Aliases []string
	Doc     string // one line for the reference
	// Spell is how the store writes a key that a resource asks for, where it
	// has letters of its own; nil: as it stands. A resource's keys and prefix
	// go through it before its scope is made.
	Spell func(key string) string
	// Open checks c and returns a backend. It must not wait for the store: a
	// store that is down is an error of List, so that wconf can start first.
	Open func(c Config) (Backend, error)
}
