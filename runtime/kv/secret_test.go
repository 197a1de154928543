package kv_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

// escaped is how logs show what cannot be printed.
var escaped = strings.NewReplacer("\n", `\x0a`, "\x1b", `\x1b`).Replace

func TestSecrets(t *testing.T) {
	s := kv.NewSnapshot([]kv.Pair{
		{Key: "/p/tls/key", Value: "hunter2"}, {Key: "/p/tls/short", Value: "hunt"}, {Key: "/p/tls/over", Value: "2 of s"}, {Key: "/p/tls/none", Value: ""},
		{Key: "/p/tls/pem", Value: "-----BEGIN KEY-----\nMIIEvQIBADAN\n  BgkqhkiG9w0B\r\n}\n-----END KEY-----\n"},
		{Key: "/p/tls/line", Value: " walrus\n"}, {Key: "/p/tls/color", Value: "\x1b[31mred"}, {Key: "/p/tls/one", Value: "Q"},
		{Key: "/p/name", Value: "shop"}, {Key: "/p/db/password", Value: "pelican"}, {Key: "/p/db/a/password", Value: "heron"}, {Key: "/other/tls/key", Value: "away"},
	})
	secrets := kv.NewSecrets(kv.NewScope("/p", []string{"/"}), []string{"/tls/*", "**/password", "[", "/none"}, escaped)
	for _, c := range []struct{ text, want string }{
		{"bad key hunter2", "bad key ********"}, // not hunt alone
		{"a hunt", "a ********"},
		{"hunter2 of shop", "********hop"}, // what overlaps
		{"away is not ours, nor is shop", "away is not ours, nor is shop"},
		{"hunterhunter2hunt2 of2 of s", "********er****************2 of********"},
		{"it says MIIEvQIBADAN", "it says ********"},
		{"it says BgkqhkiG9w0B.", "it says ********."},
		{"} is no secret", "} is no secret"},
		{`MIIEvQIBADAN\x0a`, `********\x0a`},
		{"(walrus)", "(********)"}, {"( walrus\n)", "(********)"},
		{`\x1b[31mred`, "********"}, {"\x1b[31mred", "********"},
		{"pelican and heron", "******** and ********"},
		{"Q", "********"}, {"q", "q"}, {"", ""}, {"h", "h"}, {"hun", "hun"},
		{"it was cut: peli…", "it was cut: ********…"}, {"it was cut: pelo…", "it was cut: pelo…"}, {"…", "…"},
		{`it was cut: \x1b[31…`, `it was cut: ********…`},
	} {
		if got := secrets.Hide(c.text, s); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := secrets.Hide("hunter2", nil); got == "hunter2" {
		t.Error("shown although nobody knows what is secret")
	}
	if got := kv.NewSecrets(kv.NewScope("/p", []string{"/"}), nil, nil).Hide("hunter2", s); got != "hunter2" {
		t.Errorf("hidden although nothing is secret: %q", got)
	}
	next, _ := s.Apply([]kv.Pair{{Key: "/p/tls/key", Value: "rotated"}}, nil)
	if got := secrets.Hide("hunter2 rotated", next); got != "********er2 ********" {
		t.Errorf("got %q", got)
	}
	if got := kv.NewView(s, kv.NewScope("/p", []string{"/"})).Hide("hunter2 rotated", secrets); got != "******** rotated" {
		t.Errorf("got %q", got)
	}
}

// What a pattern names is hidden in every part of a scope, and nothing else is.
func TestSecretsOfScopes(t *testing.T) {
	var pairs []kv.Pair
	for _, key := range []string{"/a", "/a/b", "/a/b/c", "/a-b", "/a/c", "/d/a/b", "/p/a/b", "/p/a"} {
		pairs = append(pairs, kv.Pair{Key: key, Value: "<" + key + ">"})
	}
	s := kv.NewSnapshot(pairs)
	for _, c := range []struct {
		prefix  string
		keys    []string
		pattern string
	}{
		{"", []string{"/"}, "/a/**"}, {"", []string{"/"}, "/**"}, {"", []string{"/"}, "**"}, {"", []string{"/"}, "/a"}, {"", []string{"/"}, "/a/*"},
		{"", []string{"/a"}, "/**"}, {"", []string{"/a/b", "/d"}, "/**"}, {"", []string{"/a/b"}, "/a/**"}, {"", []string{"/a/b"}, "/a/b"},
		{"", []string{"/a/b", "/a/c"}, "/a/**/c"}, {"", []string{"/d"}, "**/b"}, {"/p", []string{"/"}, "/a/**"}, {"/p", []string{"/a/b"}, "/*/b"},
		{"", []string{"/"}, "a/**"}, {"", []string{"/"}, "/a**"}, {"", []string{"/"}, "/[a]"}, {"", []string{"/"}, `/\a/b`}, {"", []string{"/"}, "/?-b"},
	} {
		sc := kv.NewScope(c.prefix, c.keys)
		secrets := kv.NewSecrets(sc, []string{c.pattern}, nil)
		for _, p := range pairs {
			key, within := strings.CutPrefix(p.Key, c.prefix)
			hidden := within && sc.Grants(p.Key) && kv.Matches(c.pattern, key)
			if got := secrets.Hide(p.Value, s); (got != p.Value) != hidden {
				t.Errorf("prefix %q, keys %q, pattern %q: %s is shown as %s", c.prefix, c.keys, c.pattern, p.Key, got)
			}
		}
	}
}

// What a resource with half a million keys costs for each line that its guest
// logs, and for the first after a change.
func BenchmarkHide(b *testing.B) {
	var pairs []kv.Pair
	for i := range 500_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/app/%d/key-%d", i%1000, i), Value: fmt.Sprintf("value-%08x", i*2654435761%1_000_000_007)})
	}
	pairs = append(pairs, kv.Pair{Key: "/tls/key", Value: "hunter2"})
	s := kv.NewSnapshot(pairs)
	sc := kv.NewScope("", []string{"/"})
	short := "upstream app-17 has no server: hunter2 is not among its keys, and is left out"
	for _, c := range []struct{ name, pattern string }{{"one in a directory", "/tls/**"}, {"one anywhere", "**/key"}, {"all", "/**"}} {
		b.Run(c.name+", next line", func(b *testing.B) {
			secrets := kv.NewSecrets(sc, []string{c.pattern}, escaped)
			secrets.Hide(short, s)
			b.ReportAllocs()
			for b.Loop() {
				secrets.Hide(short, s)
			}
		})
		b.Run(c.name+", next 64 KiB", func(b *testing.B) {
			text := strings.Repeat("value-0", 9362)
			secrets := kv.NewSecrets(sc, []string{c.pattern}, escaped)
			secrets.Hide(text, s)
			for b.Loop() {
				secrets.Hide(text, s)
			}
		})
		b.Run(c.name+", first line", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				kv.NewSecrets(sc, []string{c.pattern}, escaped).Hide(short, s)
			}
		})
	}
}

// Keys are gone through once, and not for each line.
func TestSecretsOfManyLines(t *testing.T) {
	var pairs []kv.Pair
	for i := range 200_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/app/%06d/password", i), Value: fmt.Sprintf("pw-%06d", i)})
	}
	s := kv.NewSnapshot(pairs)
	secrets := kv.NewSecrets(kv.NewScope("", []string{"/"}), []string{"/**/password"}, escaped)
	began := time.Now()
	for i := range 1000 {
		if text := fmt.Sprintf("bad pw-%06d", i*200); secrets.Hide(text, s) != "bad ********" {
			t.Fatalf("%s is shown", text)
		}
	}
	if took := time.Since(began); took > 10*time.Second { // a walk for each takes a minute
		t.Errorf("a thousand lines took %v", took)
	}
}
