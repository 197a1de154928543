package main

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/wasm"
)

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "with what this build is made of"}},
		Action: func(c *cli.Context) error {
			if err := arity(c, 0, 0); err != nil {
				return err
			}
			if c.Bool("json") {
				return p.json(thisBuild())
			}
			p.versionLine()
			return nil
		},
	}
}

// versionLine is that of confd.
func (p *program) versionLine() {
	version := thisVersion()
	fmt.Fprintf(p.out, "%s %s (Git SHA: %s, Go Version: %s)\n", p.name(), version, commit, goruntime.Version())
}

// thisVersion is what the linker was told, else that of the module, which
// `go install …@version` knows.
func thisVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "devel" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return version
}

type build struct {
	Version   string            `json:"version"`
	Commit    string            `json:"commit"`
	Go        string            `json:"go"`
	OS        string            `json:"os"`
	Arch      string            `json:"arch"`
	GuestABI  string            `json:"guest_abi"`
	PriceList string            `json:"price_list"`
	Modules   map[string]string `json:"modules"`
}

func thisBuild() build {
	b := build{
		Version: thisVersion(), Commit: commit, Go: goruntime.Version(), OS: goruntime.GOOS, Arch: goruntime.GOARCH,
		GuestABI: hostfuncs.Module + " " + hostfuncs.Version, PriceList: wasm.PriceList, Modules: map[string]string{},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			b.Modules[m.Path] = m.Version
		}
	}
	return b
}
