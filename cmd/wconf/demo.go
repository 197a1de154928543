package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/demo"
)

func (p *program) demoCommand() *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "play wconf's main job in a temporary directory, in under a minute",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "keep", Usage: "leave the directory"}},
		Action: func(c *cli.Context) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("demo: %w", err)
			}
			return demo.Play(c.Context, demo.Options{Wconf: []string{self}, Out: p.out, Keep: c.Bool("keep")})
		},
	}
}
