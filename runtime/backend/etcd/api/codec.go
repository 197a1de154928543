package api

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// codec puts messages into gRPC's frames.
type codec struct{}

type question interface{ encode(b []byte) []byte }

type answer interface{ decode(b []byte) error }

// Name is empty: the content type stays application/grpc, which means protobuf.
func (codec) Name() string { return "" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	q, ok := v.(question)
	if !ok {
		return nil, fmt.Errorf("%T is no request", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(q.encode(nil))}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	a, ok := v.(answer)
	if !ok {
		return fmt.Errorf("%T is no answer", v)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	return a.decode(whole.ReadOnlyData())
}

func text(b []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
}

func number(b []byte, n protowire.Number, i int64) []byte {
	if i == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(i))
}

func flag(b []byte, n protowire.Number, f bool) []byte {
	if !f {
		return b
	}
	return number(b, n, 1)
}

// inner adds a message, which also counts when it is empty.
func inner(b []byte, n protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), message)
}

// field is one of a message.
type field struct {
	tag    uint64
	number uint64 // of a varint
	bytes  []byte // of what has a length; not to be kept
}

// tag is a field's number and type, as they stand before it.
func tag(n protowire.Number, t protowire.Type) uint64 { return protowire.EncodeTag(n, t) }

var errBroken = errors.New("it is no protobuf message") // and is not quoted: it may hold values

// fields calls f with each field of a message. Those that nobody knows pass by.
func fields(b []byte, f func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errBroken
		}
		b = b[n:]
		one := field{tag: tag(number, kind)}
		switch kind {
		case protowire.VarintType:
			one.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			one.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return errBroken
		}
		b = b[n:]
		if err := f(one); err != nil {
			return err
		}
	}
	return nil
}
