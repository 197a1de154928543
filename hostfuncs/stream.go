package hostfuncs

import "iter"

// Source makes the input of a command part by part. It asks step at each step of
// a walk over keys, with the cost of it, and ends when step or yield says no. A
// part is good until yield returns.
type Source func(step func(cost int) bool, yield func(part []byte) bool)

// Stream is a Source that is made no further than it is read. It must be closed.
type Stream struct {
	session *Session
	source  Source
	next    func() ([]byte, bool) // nil until the first Read
	stop    func()
	rest    []byte // of a part
}

// Stream is a stream whose limits are the session's; its steps cost what they do
// in host functions. A source that is nil is empty.
func (s *Session) Stream(source Source) *Stream { return &Stream{session: s, source: source} }

// Begin is a new call of the guest, which may have several Reads.
func (r *Stream) Begin() { r.session.walk.begin() }

// Price is the fuel that the steps since Begin cost.
func (r *Stream) Price() uint64 { return r.session.walk.price() }

// Read fills p as far as the source goes. Its error ends the invocation.
func (r *Stream) Read(p []byte) (n int, err error) {
	for n < len(p) && (len(r.rest) > 0 || r.more()) {
		k := copy(p[n:], r.rest)
		n, r.rest = n+k, r.rest[k:]
	}
	return n, r.session.walk.ended
}

func (r *Stream) more() (ok bool) {
	if r.source == nil {
		return false
	}
	if r.next == nil {
		r.next, r.stop = iter.Pull(func(yield func([]byte) bool) { r.source(r.session.step, yield) })
	}
	r.rest, ok = r.next()
	return ok
}

// Close ends the stream.
func (r *Stream) Close() {
	if r.stop != nil {
		r.stop()
	}
}
