package main

import "github.com/urfave/cli/v2"

// commands are the sub-commands, in the order of the help.
func (p *program) commands() []*cli.Command {
	return []*cli.Command{
		p.runCommand(), p.onceCommand(), p.demoCommand(),
	}
}
