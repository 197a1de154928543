package main

import "github.com/urfave/cli/v2"

// commands are the sub-commands, in the order of the help: those that do the
// work, then those that only look.
func (p *program) commands() []*cli.Command {
	return []*cli.Command{
		p.runCommand(), p.onceCommand(),
		p.renderCommand(), p.diffCommand(), p.keysCommand(), p.getCommand(), p.lsCommand(),
		p.lintCommand(), p.migrateCommand(), p.testCommand(), p.devCommand(),
		p.guestCommand(), p.metadataCommand(),
		p.functionsCommand(), p.demoCommand(), p.completionCommand(), p.versionCommand(),
	}
}
