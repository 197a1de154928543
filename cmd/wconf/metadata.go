package main

import (
	"context"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/metadata"
)

func (p *program) metadataCommand() *cli.Command {
	return &cli.Command{
		Name: "metadata", Usage: "be a rancher-metadata server",
		Subcommands: []*cli.Command{{
			Name: "serve", Usage: "answer like rancher-metadata from an answers file",
			Description: "The flags are those of rancher-metadata. SIGHUP reads the answers again; where they cannot be used the old ones stay.",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "answers", Value: "./answers.yaml", Usage: "the answers `FILE`, of either generation (default ./answers.yaml)"},
				&cli.StringFlag{Name: "listen", Value: metadata.DefaultListen, Usage: "serve on this `ADDRESS` (default " + metadata.DefaultListen + ")"},
				&cli.StringFlag{Name: "listenReload", Value: metadata.DefaultListenReload, Usage: "take POST /v1/reload on this `ADDRESS`; empty for none (default " + metadata.DefaultListenReload + ")"},
				&cli.BoolFlag{Name: "xff", Usage: "the header X-Forwarded-For names the client"},
			},
			Action: p.metadataAction,
		}},
	}
}

func (p *program) metadataAction(c *cli.Context) error {
	if err := arity(c, 0, 0); err != nil {
		return err
	}
	s, err := p.settings(c)
	if err != nil {
		return err
	}
	log, err := p.logger(s)
	if err != nil {
		return err
	}
	server := metadata.New(metadata.Options{
		Answers: c.String("answers"), Listen: c.String("listen"), ListenReload: c.String("listenReload"), XFF: c.Bool("xff"), Log: log,
	})
	stop := onSignal(c.Context, syscall.SIGHUP, func(context.Context) {
		if err := server.Reload(); err != nil {
			log.Error("the old answers stay", "err", err)
		}
	})
	defer stop()
	return server.Run(c.Context)
}
