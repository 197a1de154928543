package main

import (
	"context"
	"os"
	"os/signal"
)

// onSignal calls do each time the signal comes, until stop returns; then the
// context of do is done. Signals that come while do runs are one.
func onSignal(ctx context.Context, s os.Signal, do func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	came, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(came, s)
	go func() {
		defer close(ended)
		for {
			select {
			case <-came:
				do(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(came)
		cancel()
		<-ended
	}
}
