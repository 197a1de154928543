package hostfuncs_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
)

// Ask says what Call says, for every function and text.
func TestAskIsCall(t *testing.T) {
	for _, f := range hostfuncs.All() {
		for _, text := range []string{"", "/app/a", "/app/none", "/app/*", "[", "/app", "/secret/pw", "\xff", "/app/long", "port"} {
			called, asked := session(), session()
			called.Limits.Result, asked.Limits.Result = 1000, 1000
			n, buffer, err := ask(t, called, f.Name, text, 1000)
			result, m, fuel, askErr := f.Ask(asked, 1, text)
			if err != nil || askErr != nil {
				if err == nil || askErr == nil || err.Error() != askErr.Error() {
					t.Errorf("%s %q: %v, but %v by Call", f.Name, text, askErr, err)
				}
				continue
			}
			if f.Gives && n != m || buffer != string(result) || fuel < hostfuncs.Price(len(result)) {
				t.Errorf("%s %q: %d %q for %d, but %d %q by Call", f.Name, text, m, result, fuel, n, buffer)
			}
			if called.Missed() != asked.Missed() || !slices.Equal(called.Denied(), asked.Denied()) || len(called.Lines()) != len(asked.Lines()) {
				t.Errorf("%s %q: the sessions differ", f.Name, text)
			}
		}
	}
}

// A long answer is asked for twice, as by a guest, and paid for twice.
func TestAskLong(t *testing.T) {
	s := session()
	s.Limits.Result = 100_000
	s.Keys = store{"/big": strings.Repeat("v", 50_000)}
	f := function(t, "getv")
	for round, calls := range []uint64{2, 3} { // the room stays
		b, n, fuel, err := f.Ask(s, 0, "/big")
		if err != nil || n != 50_000 || len(b) != 50_000 || s.Calls()["getv"] != calls || fuel != (calls-uint64(2*round))*hostfuncs.Price(50_004) {
			t.Errorf("%d bytes, %d, %d, %v, %v", len(b), n, fuel, err, s.Calls())
		}
	}
	s.Limits.Calls = 3
	var limit *hostfuncs.LimitError
	if _, _, _, err := f.Ask(s, 0, "/big"); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
}

func TestItems(t *testing.T) {
	for _, c := range []struct {
		encoded string
		parts   func([]byte) iter.Seq2[string, string]
		want    string
	}{
		{list(), hostfuncs.Items, ``},
		{list("a", "", "ccc"), hostfuncs.Items, `"a" "" "" "" "ccc" "" `},
		{kvs(), hostfuncs.Pairs, ``},
		{kvs("/k", "v", "/empty", ""), hostfuncs.Pairs, `"/k" "v" "/empty" "" `},
	} {
		got := ""
		for a, b := range c.parts([]byte(c.encoded)) {
			got += fmt.Sprintf("%q %q ", a, b)
		}
		if got != c.want {
			t.Errorf("%q: %s", c.encoded, got)
		}
		for range c.parts([]byte(c.encoded)) {
			break
		}
	}
}
