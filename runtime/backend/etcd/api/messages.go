package api

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// What is empty or zero is not sent, as protobuf has it.

// RangeRequest asks for the keys from Key up to, and without, RangeEnd; for
// Key alone when that is empty, and for all from Key on when it is "\x00".
type RangeRequest struct {
	Key, RangeEnd  string
	Limit          int64
	Revision       int64 // 0: the newest
	Serializable   bool  // the member that is asked may be behind
	KeysOnly       bool
	CountOnly      bool
	MinModRevision int64 // those that were not changed since are left out, not of the count
}

func (q *RangeRequest) encode(b []byte) []byte {
	b = text(b, 1, q.Key)
	b = text(b, 2, q.RangeEnd)
	b = number(b, 3, q.Limit)
	b = number(b, 4, q.Revision)
	b = flag(b, 7, q.Serializable)
	b = flag(b, 8, q.KeysOnly)
	b = flag(b, 9, q.CountOnly)
	return number(b, 10, q.MinModRevision)
}

// ResponseHeader says who answers, and at which revision of the store.
type ResponseHeader struct {
	ClusterId, MemberId uint64
	Revision            int64
}

func (h *ResponseHeader) decode(b []byte) error {
	return fields(b, func(f field) error {
		switch f.tag {
		case tag(1, protowire.VarintType):
			h.ClusterId = f.number
		case tag(2, protowire.VarintType):
			h.MemberId = f.number
		case tag(3, protowire.VarintType):
			h.Revision = int64(f.number)
		}
		return nil
	})
}

// KeyValue is one version of a key.
type KeyValue struct {
	Key, Value     string
	CreateRevision int64
	ModRevision    int64
	Version        int64 // 1: it was not there before
}

// largestTogether is how long a value may be that is one piece of memory with
// its key: who keeps the key alone keeps the value.
const largestTogether = 64

func (kv *KeyValue) decode(b []byte) error {
	var key, value []byte
	err := fields(b, func(f field) error {
		switch f.tag {
		case tag(1, protowire.BytesType):
			key = f.bytes
		case tag(2, protowire.VarintType):
			kv.CreateRevision = int64(f.number)
		case tag(3, protowire.VarintType):
			kv.ModRevision = int64(f.number)
		case tag(4, protowire.VarintType):
			kv.Version = int64(f.number)
		case tag(5, protowire.BytesType):
			value = f.bytes
		}
		return nil
	})
	if len(value) > largestTogether {
		kv.Key, kv.Value = string(key), string(value)
		return err
	}
	var both strings.Builder
	both.Grow(len(key) + len(value))
	both.Write(key)
	both.Write(value)
	kv.Key, kv.Value = both.String()[:len(key)], both.String()[len(key):]
	return err
}

// RangeResponse is what a range holds.
type RangeResponse struct {
	Header ResponseHeader
	Kvs    []KeyValue
	More   bool
	Count  int64 // of all keys of the range
}

func (a *RangeResponse) decode(b []byte) error {
	n := 0
	if err := fields(b, func(f field) error {
		if f.tag == tag(2, protowire.BytesType) {
			n++
		}
		return nil
	}); err != nil {
		return err
	}
	if n > 0 {
		a.Kvs = make([]KeyValue, 0, n)
	}
	return fields(b, func(f field) (err error) {
		switch f.tag {
		case tag(1, protowire.BytesType):
			err = a.Header.decode(f.bytes)
		case tag(2, protowire.BytesType):
			a.Kvs = a.Kvs[:len(a.Kvs)+1]
			err = a.Kvs[len(a.Kvs)-1].decode(f.bytes)
		case tag(3, protowire.VarintType):
			a.More = f.number != 0
		case tag(4, protowire.VarintType):
			a.Count = int64(f.number)
		}
		return err
	})
}

// TxnRequest asks for several ranges at once.
type TxnRequest struct{ Ranges []*RangeRequest }

func (q *TxnRequest) encode(b []byte) []byte {
	for _, r := range q.Ranges { // RequestOp.request_range, each a success
		b = inner(b, 2, inner(nil, 1, r.encode(nil)))
	}
	return b
}

// TxnResponse is what the ranges hold.
type TxnResponse struct{ Ranges []*RangeResponse }

func (a *TxnResponse) decode(b []byte) error {
	return fields(b, func(f field) error {
		if f.tag != tag(3, protowire.BytesType) {
			return nil
		}
		r := new(RangeResponse)
		a.Ranges = append(a.Ranges, r)
		return fields(f.bytes, func(f field) error {
			if f.tag == tag(1, protowire.BytesType) { // ResponseOp.response_range
				return r.decode(f.bytes)
			}
			return nil
		})
	})
}

// WatchCreateRequest asks for a watcher of a range, as a RangeRequest has it.
type WatchCreateRequest struct {
	Key, RangeEnd  string
	StartRevision  int64
	ProgressNotify bool
	WatchId        int64
	Fragment       bool // answers may come in pieces
}

func (q *WatchCreateRequest) encode(b []byte) []byte {
	var create []byte
	create = text(create, 1, q.Key)
	create = text(create, 2, q.RangeEnd)
	create = number(create, 3, q.StartRevision)
	create = flag(create, 4, q.ProgressNotify)
	create = number(create, 7, q.WatchId)
	create = flag(create, 8, q.Fragment)
	return inner(b, 1, create)
}

// progressRequest asks how far all watchers of a stream are.
type progressRequest struct{}

func (progressRequest) encode(b []byte) []byte { return inner(b, 3, nil) }

// EventType says what happened to a key.
type EventType int32

// What can happen to a key.
const (
	PUT    EventType = 0
	DELETE EventType = 1
)

// Event is a key's change.
type Event struct {
	Type EventType
	Kv   KeyValue
}

func (e *Event) decode(b []byte) error {
	return fields(b, func(f field) (err error) {
		switch f.tag {
		case tag(1, protowire.VarintType):
			e.Type = EventType(f.number)
		case tag(2, protowire.BytesType):
			err = e.Kv.decode(f.bytes)
		}
		return err
	})
}

// WatchResponse is what a watcher saw, or what became of it.
type WatchResponse struct {
	Header          *ResponseHeader
	WatchId         int64 // -1: all of the stream
	Created         bool
	Canceled        bool
	CompactRevision int64
	CancelReason    string
	Fragment        bool // more of this answer follows
	Events          []*Event
}

func (a *WatchResponse) decode(b []byte) error {
	return fields(b, func(f field) (err error) {
		switch f.tag {
		case tag(1, protowire.BytesType):
			a.Header = new(ResponseHeader)
			err = a.Header.decode(f.bytes)
		case tag(2, protowire.VarintType):
			a.WatchId = int64(f.number)
		case tag(3, protowire.VarintType):
			a.Created = f.number != 0
		case tag(4, protowire.VarintType):
			a.Canceled = f.number != 0
		case tag(5, protowire.VarintType):
			a.CompactRevision = int64(f.number)
		case tag(6, protowire.BytesType):
			a.CancelReason = string(f.bytes)
		case tag(7, protowire.VarintType):
			a.Fragment = f.number != 0
		case tag(11, protowire.BytesType):
			e := new(Event)
			a.Events = append(a.Events, e)
			err = e.decode(f.bytes)
		}
		return err
	})
}

// StatusRequest asks a member what it is.
type StatusRequest struct{}

func (*StatusRequest) encode(b []byte) []byte { return b }

// StatusResponse is what a member is.
type StatusResponse struct{ Version string }

func (a *StatusResponse) decode(b []byte) error {
	return fields(b, func(f field) error {
		if f.tag == tag(2, protowire.BytesType) {
			a.Version = string(f.bytes)
		}
		return nil
	})
}

// AuthenticateRequest is a user and a password.
type AuthenticateRequest struct{ Name, Password string }

func (q *AuthenticateRequest) encode(b []byte) []byte {
	return text(text(b, 1, q.Name), 2, q.Password)
}

// AuthenticateResponse is the token that stands for a user.
type AuthenticateResponse struct{ Token string }

func (a *AuthenticateResponse) decode(b []byte) error {
	return fields(b, func(f field) error {
		if f.tag == tag(2, protowire.BytesType) {
			a.Token = string(f.bytes)
		}
		return nil
	})
}
