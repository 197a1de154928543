//go:build wasip1

// Package wconf is the SDK for guests in Go: ABI wconf/v1, one file, no
// dependencies. Build a guest as a reactor, whose main is never called:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o guest.wasm .
//
// Ranging over a map gives another order each time: sort what you write.
package wconf

import (
	"encoding/binary"
	"unsafe"
)

// generated from package hostfuncs: make generate

//go:wasmimport wconf/v1 getv
//go:noescape
func hostGetv(key string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 exists
//go:noescape
func hostExists(key string) int32

//go:wasmimport wconf/v1 gets
//go:noescape
func hostGets(pattern string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 getvs
//go:noescape
func hostGetvs(pattern string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 ls
//go:noescape
func hostLs(dir string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 lsdir
//go:noescape
func hostLsdir(dir string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 param
//go:noescape
func hostParam(name string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 params
//go:noescape
func hostParams(buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 input
//go:noescape
func hostInput(buf unsafe.Pointer, cap uint32) int32

//go:wasmimport wconf/v1 write
//go:noescape
func hostWrite(data string)

//go:wasmimport wconf/v1 log
//go:noescape
func hostLog(level int32, message string)

//go:wasmimport wconf/v1 fail
//go:noescape
func hostFail(message string)

// end of what is generated

// Answers below zero.
const (
	NotFound = -1
	Denied   = -2
	Invalid  = -3
	TooLarge = -4
)

// Pair is a key, or a parameter's name, and its value.
type Pair struct{ Key, Value string }

var scratch = make([]byte, 16<<10)

// fill calls a function that fills a buffer, a second time if the first was too
// small.
func fill(call func(buf unsafe.Pointer, size uint32) int32) (string, int32) {
	n := call(unsafe.Pointer(unsafe.SliceData(scratch)), uint32(len(scratch)))
	if int(n) > len(scratch) {
		scratch = make([]byte, n)
		n = call(unsafe.Pointer(unsafe.SliceData(scratch)), uint32(len(scratch)))
	}
	if n < 0 {
		return "", n
	}
	return string(scratch[:n]), n
}

// Lookup is the value of exactly this key.
func Lookup(key string) (value string, ok bool) {
	v, n := fill(func(b unsafe.Pointer, c uint32) int32 { return hostGetv(key, b, c) })
	return v, n >= 0
}

// Getv is the value of exactly this key; the invocation ends when it is not there.
func Getv(key string) string {
	v, ok := Lookup(key)
	if !ok {
		Fail("key does not exist: " + key)
	}
	return v
}

// GetvOr is the value of exactly this key, or otherwise.
func GetvOr(key, otherwise string) string {
	if v, ok := Lookup(key); ok {
		return v
	}
	return otherwise
}

// Exists tells whether exactly this key has a value.
func Exists(key string) bool { return hostExists(key) == 1 }

// Gets is the keys that match the pattern and their values, in the order of the keys.
func Gets(pattern string) []Pair {
	return pairs(fill(func(b unsafe.Pointer, c uint32) int32 { return hostGets(pattern, b, c) }))
}

// Getvs is the values whose keys match the pattern, in their own order.
func Getvs(pattern string) []string {
	return list(fill(func(b unsafe.Pointer, c uint32) int32 { return hostGetvs(pattern, b, c) }))
}

// Ls is the names of a directory's children.
func Ls(dir string) []string {
	return list(fill(func(b unsafe.Pointer, c uint32) int32 { return hostLs(dir, b, c) }))
}

// Lsdir is the names of a directory's children that have children themselves.
func Lsdir(dir string) []string {
	return list(fill(func(b unsafe.Pointer, c uint32) int32 { return hostLsdir(dir, b, c) }))
}

// Param is one parameter of the resource.
func Param(name string) (value string, ok bool) {
	v, n := fill(func(b unsafe.Pointer, c uint32) int32 { return hostParam(name, b, c) })
	return v, n >= 0
}

// Params is all parameters.
func Params() []Pair { return pairs(fill(hostParams)) }

// Input is what a filter or a check got to work on.
func Input() string {
	v, _ := fill(hostInput)
	return v
}

// Call is the name and the arguments of a template function (export call).
func Call() []string { return list(fill(hostInput)) }

// Write appends to the output.
func Write(s string) { hostWrite(s) }

// Log says something in wconf's log: 0 debug, 1 info, 2 warn, 3 error.
func Log(level int, message string) { hostLog(int32(level), message) }

// Fail ends the invocation with a message; the old file stays.
func Fail(message string) { hostFail(message) }

func list(s string, n int32) []string {
	if n < 0 {
		Fail("wconf: a list was refused")
	}
	out := make([]string, number(s))
	for i, at := 0, 4; i < len(out); i++ {
		size := number(s[at:])
		out[i] = s[at+4:][:size]
		at += 4 + size
	}
	return out
}

func pairs(s string, n int32) []Pair {
	if n < 0 {
		Fail("wconf: a list of pairs was refused")
	}
	out := make([]Pair, number(s))
	for i, at := 0, 4; i < len(out); i++ {
		k, v := number(s[at:]), number(s[at+4:])
		out[i] = Pair{s[at+8:][:k], s[at+8+k:][:v]}
		at += 8 + k + v
	}
	return out
}

func number(s string) int { return int(binary.LittleEndian.Uint32([]byte(s[:4]))) }
