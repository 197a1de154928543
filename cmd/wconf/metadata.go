package main

import (
	"context"
	"os"
	"os/signal"
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
	stop := onHangup(c.Context, func() {
		if err := server.Reload(); err != nil {
			log.Error("the old answers stay", "err", err)
		}
	})
	defer stop()
	return server.Run(c.Context)
}

// onHangup calls do at each SIGHUP, until stop returns.
func onHangup(ctx context.Context, do func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hup, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer close(ended)
		for {
			select {
			case <-hup:
				do()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(hup)
		cancel()
		<-ended
	}
}
