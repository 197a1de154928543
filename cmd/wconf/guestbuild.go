package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/wasm"
)

func (p *program) guestBuildCommand() *cli.Command {
	return &cli.Command{
		Name: "build", Usage: "compile a guest, and pack its manifest into it", ArgsUsage: "[DIR | SOURCE]",
		Description: "C (clang), Rust (rustc) and Go are found by the files in DIR or its src. The module goes to DIR/templates where that\n" +
			"is there, else to DIR. A module that wconf would refuse is not put there. CLANG and RUSTC name other compilers.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the module to this `FILE`"},
			&cli.StringFlag{Name: "manifest", Usage: "pack this `FILE` of JSON (default manifest.json beside the source, where it is)"},
		},
		Action: p.guestBuild,
	}
}

func (p *program) guestBuild(c *cli.Context) error {
	if err := arity(c, 0, 1); err != nil {
		return err
	}
	return p.build(c.Context, cmp.Or(c.Args().First(), "."), c.String("output"), c.String("manifest"))
}

// build compiles a guest, and says what came out.
func (p *program) build(ctx context.Context, path, output, manifest string) error {
	began := time.Now()
	r, err := recipeFor(path)
	if err != nil {
		return fmt.Errorf("guest build: %w", err)
	}
	bin, err := p.compile(ctx, r)
	if err != nil {
		return fmt.Errorf("guest build: %w", err)
	}
	if bin, err = packed(bin, r.dir, manifest); err != nil {
		return err
	}
	output = cmp.Or(output, outputOf(path, r))
	about, err := wasm.Inspect(output, bin)
	if err != nil {
		return &exit{exitLoad, err}
	}
	if err := replace(output, bin); err != nil {
		return fmt.Errorf("guest build: %w", err)
	}
	fmt.Fprintf(p.out, "%s: %s, %d bytes, exports %s, built in %s\n", output, about.Kind, about.Size, strings.Join(about.Exports, ", "),
		time.Since(began).Round(time.Millisecond))
	return nil
}

// compile runs a compiler, whose words go to standard error.
func (p *program) compile(ctx context.Context, r recipe) ([]byte, error) {
	dir, err := os.MkdirTemp("", "wconf-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, r.name+".wasm")
	args := make([]string, len(r.command))
	for i, a := range r.command {
		args[i] = a
		if a == module {
			args[i] = out
		}
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, append(os.Environ(), r.env...), p.err, p.err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(args[0]), err)
	}
	return os.ReadFile(out)
}

// packed is a module with its manifest: the file that is named, or the one
// beside the source, where there is one.
func packed(bin []byte, dir, manifest string) ([]byte, error) {
	file := cmp.Or(manifest, filepath.Join(dir, "manifest.json"))
	text, err := os.ReadFile(file)
	if manifest == "" && errors.Is(err, fs.ErrNotExist) {
		return bin, nil
	}
	if err != nil {
		return nil, err
	}
	if bin, err = wasm.Pack(bin, text); err != nil {
		return nil, &exit{exitLoad, fmt.Errorf("%s: %w", file, err)}
	}
	return bin, nil
}

// outputOf is where a module goes when nobody says.
func outputOf(path string, r recipe) string {
	dir := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	templates := filepath.Join(dir, "templates")
	if info, err := os.Stat(templates); err == nil && info.IsDir() {
		dir = templates
	}
	return filepath.Join(dir, r.name+".wasm")
}

// replace swaps a file, so that nobody who watches it reads half of it.
func replace(path string, content []byte) error {
	staged, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = staged.Write(content)
	err = errors.Join(err, staged.Chmod(0o644), staged.Close())
	if err == nil {
		err = os.Rename(staged.Name(), path)
	}
	if err != nil {
		os.Remove(staged.Name()) //nolint:errcheck // the first error counts
	}
	return err
}
