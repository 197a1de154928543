package api

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// What wconf asks, as etcd's own package reads it.
func TestRequests(t *testing.T) {
	one := &RangeRequest{Key: "/a", RangeEnd: "/b\x00", Limit: 1 << 40, Revision: 7, Serializable: true, KeysOnly: true, CountOnly: true, MinModRevision: -1}
	theirs := &etcdserverpb.RangeRequest{Key: []byte("/a"), RangeEnd: []byte("/b\x00"), Limit: 1 << 40, Revision: 7, Serializable: true, KeysOnly: true, CountOnly: true, MinModRevision: -1}
	op := func(r *etcdserverpb.RangeRequest) *etcdserverpb.RequestOp {
		return &etcdserverpb.RequestOp{Request: &etcdserverpb.RequestOp_RequestRange{RequestRange: r}}
	}
	for name, c := range map[string]struct {
		ours question
		want proto.Message
	}{
		"range":            {one, theirs},
		"range of nothing": {&RangeRequest{}, &etcdserverpb.RangeRequest{}},
		"transaction": {&TxnRequest{Ranges: []*RangeRequest{one, {}, one}}, &etcdserverpb.TxnRequest{
			Success: []*etcdserverpb.RequestOp{op(theirs), op(&etcdserverpb.RangeRequest{}), op(theirs)},
		}},
		"watcher": {
			&WatchCreateRequest{Key: "k", RangeEnd: "l", StartRevision: 3, ProgressNotify: true, WatchId: 9, Fragment: true},
			&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{CreateRequest: &etcdserverpb.WatchCreateRequest{
				Key: []byte("k"), RangeEnd: []byte("l"), StartRevision: 3, ProgressNotify: true, WatchId: 9, Fragment: true,
			}}},
		},
		"progress": {progressRequest{}, &etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_ProgressRequest{ProgressRequest: &etcdserverpb.WatchProgressRequest{}}}},
		"status":   {&StatusRequest{}, &etcdserverpb.StatusRequest{}},
		"login":    {&AuthenticateRequest{Name: "root", Password: "p\x00"}, &etcdserverpb.AuthenticateRequest{Name: "root", Password: "p\x00"}},
	} {
		t.Run(name, func(t *testing.T) {
			frame, err := codec{}.Marshal(c.ours)
			if err != nil {
				t.Fatal(err)
			}
			got := reflect.New(reflect.TypeOf(c.want).Elem()).Interface().(proto.Message)
			if err := proto.Unmarshal(frame.Materialize(), got); err != nil || !proto.Equal(got, c.want) {
				t.Errorf("etcd reads %v, %v", got, err)
			}
		})
	}
}

// dice makes messages of etcd's own types, and what wconf must read in them.
type dice struct{ *rand.Rand }

func (d dice) number() int64 {
	if d.IntN(3) == 0 {
		return 0
	}
	return int64(d.Uint64()) >> d.IntN(64)
}

func (d dice) text() string {
	b := make([]byte, d.IntN(3)*d.IntN(largestTogether))
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return string(b)
}

func (d dice) flag() bool { return d.IntN(2) == 0 }

func (d dice) header() (*etcdserverpb.ResponseHeader, ResponseHeader) {
	h := ResponseHeader{uint64(d.number()), uint64(d.number()), d.number()}
	return &etcdserverpb.ResponseHeader{ClusterId: h.ClusterId, MemberId: h.MemberId, Revision: h.Revision, RaftTerm: uint64(d.number())}, h
}

func (d dice) key() (*mvccpb.KeyValue, KeyValue) {
	kv := KeyValue{d.text(), d.text(), d.number(), d.number(), d.number()}
	return &mvccpb.KeyValue{
		Key: []byte(kv.Key), Value: []byte(kv.Value), CreateRevision: kv.CreateRevision, ModRevision: kv.ModRevision, Version: kv.Version, Lease: d.number(),
	}, kv
}

func (d dice) rangeResponse() (*etcdserverpb.RangeResponse, *RangeResponse) {
	theirs, ours := &etcdserverpb.RangeResponse{More: d.flag(), Count: d.number()}, &RangeResponse{}
	theirs.Header, ours.Header = d.header()
	ours.More, ours.Count = theirs.More, theirs.Count
	for range d.IntN(5) {
		t, o := d.key()
		theirs.Kvs, ours.Kvs = append(theirs.Kvs, t), append(ours.Kvs, o)
	}
	return theirs, ours
}

func (d dice) txnResponse() (*etcdserverpb.TxnResponse, *TxnResponse) {
	theirs, ours := &etcdserverpb.TxnResponse{Succeeded: d.flag()}, &TxnResponse{}
	theirs.Header, _ = d.header()
	for range d.IntN(4) {
		t, o := d.rangeResponse()
		theirs.Responses = append(theirs.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseRange{ResponseRange: t}})
		ours.Ranges = append(ours.Ranges, o)
	}
	return theirs, ours
}

func (d dice) watchResponse() (*etcdserverpb.WatchResponse, *WatchResponse) {
	ours := &WatchResponse{
		WatchId: d.number(), Created: d.flag(), Canceled: d.flag(), CompactRevision: d.number(), CancelReason: strings.ToValidUTF8(d.text(), ""), Fragment: d.flag(),
	}
	theirs := &etcdserverpb.WatchResponse{
		WatchId: ours.WatchId, Created: ours.Created, Canceled: ours.Canceled, CompactRevision: ours.CompactRevision, CancelReason: ours.CancelReason, Fragment: ours.Fragment,
	}
	if d.flag() {
		t, o := d.header()
		theirs.Header, ours.Header = t, &o
	}
	for range d.IntN(5) {
		t, o := d.key()
		before, _ := d.key()
		kind := d.IntN(2)
		theirs.Events = append(theirs.Events, &mvccpb.Event{Type: mvccpb.Event_EventType(kind), Kv: t, PrevKv: before})
		ours.Events = append(ours.Events, &Event{Type: EventType(kind), Kv: o})
	}
	return theirs, ours
}

// What etcd's own package writes, in one piece or several.
func TestAnswers(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 2))}
	for range 3000 {
		var theirs proto.Message
		var want answer
		switch d.IntN(5) {
		case 0:
			theirs, want = d.rangeResponse()
		case 1:
			theirs, want = d.txnResponse()
		case 2:
			theirs, want = d.watchResponse()
		case 3:
			h, _ := d.header()
			theirs, want = &etcdserverpb.StatusResponse{Header: h, Version: "3.6.0", DbSize: d.number()}, &StatusResponse{"3.6.0"}
		default:
			h, _ := d.header()
			theirs, want = &etcdserverpb.AuthenticateResponse{Header: h, Token: "token.1"}, &AuthenticateResponse{"token.1"}
		}
		text, err := proto.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		at := d.IntN(len(text) + 1)
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		if err := (codec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(text[:at]), mem.SliceBuffer(text[at:])}, got); err != nil {
			t.Fatalf("%v: %v", theirs, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%v is read as %+v", theirs, got)
		}
	}
}

// A message that is cut off or is none is an error that shows nothing of it.
func FuzzAnswers(f *testing.F) {
	d := dice{rand.New(rand.NewPCG(3, 4))}
	for range 20 {
		theirs, _ := d.watchResponse()
		text, err := proto.Marshal(theirs)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:d.IntN(len(text)+1)])
	}
	f.Add([]byte("secret"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := bytes.Clone(b)
		for _, a := range []answer{new(RangeResponse), new(TxnResponse), new(WatchResponse), new(StatusResponse), new(AuthenticateResponse)} {
			if err := a.decode(b); err != nil && !errors.Is(err, errBroken) {
				t.Errorf("%T: %v", a, err)
			}
		}
		if !bytes.Equal(b, whole) {
			t.Error("the frame was written to")
		}
		theirs := new(etcdserverpb.RangeResponse)
		if proto.Unmarshal(b, theirs) == nil { // they are stricter, never laxer
			if err := new(RangeResponse).decode(b); err != nil {
				t.Errorf("etcd reads %v, and we: %v", theirs, err)
			}
		}
	})
}
