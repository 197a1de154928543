//go:build wasip1

// The conformance guest in Go: tck.c says what it does. The functions are those
// of the SDK, which keeps them for itself.
package main

import (
	"bytes"
	"strconv"
	"unsafe"

	wconf "github.com/wconf/wconf/guests/sdk/go"
)

//go:wasmimport wconf/v1 getv
func getv(key, keyLen, buf, size uint32) int32

//go:wasmimport wconf/v1 exists
func exists(key, keyLen uint32) int32

//go:wasmimport wconf/v1 gets
func gets(pattern, patternLen, buf, size uint32) int32

//go:wasmimport wconf/v1 getvs
func getvs(pattern, patternLen, buf, size uint32) int32

//go:wasmimport wconf/v1 ls
func ls(dir, dirLen, buf, size uint32) int32

//go:wasmimport wconf/v1 lsdir
func lsdir(dir, dirLen, buf, size uint32) int32

//go:wasmimport wconf/v1 param
func param(name, nameLen, buf, size uint32) int32

//go:wasmimport wconf/v1 params
func params(buf, size uint32) int32

//go:wasmimport wconf/v1 input
func input(buf, size uint32) int32

//go:wasmimport wconf/v1 write
func write(data, dataLen uint32)

//go:wasmimport wconf/v1 log
func log(level int32, message, messageLen uint32)

//go:wasmimport wconf/v1 fail
func fail(message, messageLen uint32)

func main() {}

const wild = 0xfffffff0

func given(name string) string {
	value, _ := wconf.Param(name)
	return value
}

func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// Both stay where they are: they are reachable, and Go moves nothing on its heap.
var text, room []byte

//go:wasmexport render
func render() int32 {
	size, _ := strconv.Atoi(given("room"))
	text = bytes.ReplaceAll([]byte(given("text")), []byte("~"), []byte{0xff}) // no UTF-8
	room = bytes.Repeat([]byte("."), size+4)
	p, n, b, c := address(text), uint32(len(text)), address(room), uint32(size)
	switch given("wild") {
	case "text":
		p = wild
	case "buffer":
		b = wild
	}
	var answer int32
	switch given("function") {
	case "getv":
		answer = getv(p, n, b, c)
	case "exists":
		answer = exists(p, n)
	case "gets":
		answer = gets(p, n, b, c)
	case "getvs":
		answer = getvs(p, n, b, c)
	case "ls":
		answer = ls(p, n, b, c)
	case "lsdir":
		answer = lsdir(p, n, b, c)
	case "param":
		answer = param(p, n, b, c)
	case "params":
		answer = params(b, c)
	case "input":
		answer = input(b, c)
	case "write":
		write(p, n)
	case "log":
		log(int32(size), p, n)
	case "fail":
		fail(p, n)
	default:
		return 1
	}
	wconf.Write(strconv.Itoa(int(answer)) + " " + string(room))
	return 0
}
