package engine

import (
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
)

// However many patterns a guest asks for below one path: a change is held against
// them one after the other, and not one within the other.
func TestManyPatterns(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(8 << 20))
	scope := kv.NewScope("", []string{"/"})
	view := kv.NewView(kv.NewSnapshot(nil), scope)
	for i := range 100_000 {
		if _, err := view.Glob(fmt.Sprintf("/a/%d*", i)); err != nil {
			t.Fatal(err)
		}
	}
	reader := &task{member: Member{Resource: resource.New(resource.Spec{Scope: scope}, resource.Parts{})}}
	x := newIndex()
	x.learn(reader, kv.ReadSet{}, view.Reads())
	value, found := "1", map[*task][]kv.Change{}
	x.readers([]kv.Change{{Key: "/a/99999x", New: &value}, {Key: "/a/y", New: &value}}, nil, nil, found)
	if len(found[reader]) != 1 {
		t.Errorf("%d changes reach the reader of one", len(found[reader]))
	}
	x.learn(reader, view.Reads(), kv.ReadSet{})
	if len(x.globs) != 0 {
		t.Errorf("%d paths are left", len(x.globs))
	}
}
