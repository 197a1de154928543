//go:build ignore

// Gotest runs "go test -json" with its arguments and prints a line for each
// package, the output of what failed, a count, and last what was left out
// because a part that it needs is not on this machine (see runtime/needs).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

func main() {
	run := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	run.Stderr = os.Stderr
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r := report{said: map[string][]string{}, leftOut: map[string]int{}}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			r.take(e)
		}
	}
	err = run.Wait()
	r.close()
	if err != nil || r.failed > 0 {
		os.Exit(1)
	}
}

type report struct {
	said                    map[string][]string // output, by package and test
	leftOut                 map[string]int
	passed, failed, skipped int
}

func (r *report) take(e event) {
	id := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		r.said[id] = append(r.said[id], e.Output)
	case "build-fail":
		fmt.Print(strings.Join(r.said[id], ""))
	case "pass", "fail", "skip":
		r.end(e, id)
		delete(r.said, id)
	}
}

func (r *report) end(e event, id string) {
	output := strings.Join(r.said[id], "")
	if e.Test == "" {
		switch {
		case e.Action == "fail":
			r.failed++
			fmt.Printf("FAIL\t%s\t%.1fs\n%s", e.Package, e.Elapsed, output)
		case e.Action == "pass":
			fmt.Printf("ok  \t%s\t%.1fs\n", e.Package, e.Elapsed)
		}
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		fmt.Printf("--- FAIL: %s %s\n%s", e.Package, e.Test, output)
	case "skip":
		r.skipped++
		why := "what does not apply here"
		if _, reason, ok := strings.Cut(output, "left out: needs "); ok {
			why, _, _ = strings.Cut(reason, "\n")
		}
		r.leftOut[why]++
	}
}

func (r *report) close() {
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(r.leftOut)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", why, r.leftOut[why]))
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	fmt.Println("left out:", strings.Join(parts, ", "))
}
