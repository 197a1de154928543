//go:build wasip1

// Goes once through everything that the Go SDK offers and writes what came
// back; tour.rs does the same, and both must write the same bytes.
package main

import (
	"strconv"
	"strings"

	wconf "github.com/wconf/wconf/guests/sdk/go"
)

func main() {}

func pairs(list []wconf.Pair) (s string) {
	for _, p := range list {
		s += p.Key + "=" + p.Value + ";"
	}
	return s
}

func found(key string) string {
	_, ok := wconf.Lookup(key)
	return strconv.FormatBool(ok)
}

//go:wasmexport render
func render() int32 {
	colour, _ := wconf.Param("colour")
	_, other := wconf.Param("none")
	lines := []string{
		"getv " + wconf.Getv("/tck/a"),
		"empty " + found("/tck/empty"),
		"none " + found("/tck/none"),
		"denied " + found("/secret/pw"),
		"or " + wconf.GetvOr("/tck/a", "x") + " " + wconf.GetvOr("/tck/none", "x"),
		"exists " + strconv.FormatBool(wconf.Exists("/tck/a")) + " " + strconv.FormatBool(wconf.Exists("/tck/none")),
		"long " + strconv.Itoa(len(wconf.Getv("/tck/huge"))),
		"gets " + pairs(wconf.Gets("/tck/?")),
		"no pairs " + strconv.Itoa(len(wconf.Gets("/none/*"))),
		"getvs " + strings.Join(wconf.Getvs("/tck/?"), ","),
		"ls " + strings.Join(wconf.Ls("/tck"), ","),
		"no names " + strconv.Itoa(len(wconf.Ls("/none"))),
		"lsdir " + strings.Join(wconf.Lsdir("/tck"), ","),
		"param " + colour + " " + strconv.FormatBool(other),
		"params " + pairs(wconf.Params()),
	}
	wconf.Log(2, "on tour")
	wconf.Write(strings.Join(lines, "\n") + "\n")
	return 0
}

//go:wasmexport filter
func filter() int32 {
	wconf.Write(strings.ToUpper(wconf.Input()))
	return 0
}

//go:wasmexport check
func check() int32 {
	if wconf.Input() == "" {
		wconf.Fail("nothing to check")
	}
	return 0
}

// call answers join with its two arguments, as the C guest does.
//
//go:wasmexport call
func call() int32 {
	a := wconf.Call()
	wconf.Write(a[1] + "+" + a[2])
	return 0
}
