// Package admin lets others see how a running wconf stands: metrics and health
// over HTTP, and what systemd wants to know.
//
// It promises that looking never holds up the main loop, and that the loop
// alone vouches for itself: a loop that is stuck feeds no watchdog and is not
// healthy. It shows names of resources and stores, counts, times and codes of
// problems, never a value of a key and never the text of an error. It changes
// nothing.
package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
)

// Subject is what is looked at; a *runtime.Runtime is one.
type Subject interface {
	// Status is how the resources stand, in their order.
	Status() []engine.Status
	// Stores is how the caches stand with their stores, by the store's name.
	Stores() map[string]cache.Status
}

// Options has a useful zero value: nothing is served, and systemd is told when
// it listens.
type Options struct {
	// Addr is the host:port to serve HTTP on; empty: none.
	Addr string
	// Systemd says that systemd is expected to listen: a warning follows when
	// it does not. It is told whenever NOTIFY_SOCKET is set.
	Systemd bool
	// Watchdog is how often systemd's watchdog hears from the main loop; zero:
	// twice in the time of the unit's WatchdogSec.
	Watchdog        time.Duration
	Version, Commit string
	Log             *slog.Logger // nil: discard
}

const (
	// pulse is how often a main loop that is looked at turns at least.
	pulse = 5 * time.Second
	// stuckAfter is how long it may be silent until it counts as stuck.
	stuckAfter = 4 * pulse
)

// Admin watches one main loop.
type Admin struct {
	opt     Options
	log     *slog.Logger
	metrics *metrics
	systemd *systemd

	began  time.Time
	turned atomic.Int64  // when the loop last turned, in nanoseconds since began
	ready  atomic.Bool   // every resource has been rendered
	fed    chan struct{} // a beat that the watchdog has not seen
	told   chan struct{} // a beat that the status line has not seen
}

// New makes an Admin for this process; Run starts it. It reads NOTIFY_SOCKET,
// WATCHDOG_USEC and WATCHDOG_PID (sd_notify(3), sd_watchdog_enabled(3)).
func New(o Options) *Admin {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Admin{
		opt: o, log: o.Log, began: time.Now(), fed: make(chan struct{}, 1), told: make(chan struct{}, 1),
		metrics: newMetrics(o.Version, o.Commit), systemd: newSystemd(o),
	}
}

// idle tells whether there is nobody to show anything to.
func (a *Admin) idle() bool { return a.opt.Addr == "" && a.systemd.send == nil }

// Observer is what the engine of the main loop has to tell.
func (a *Admin) Observer() engine.Observer {
	if a.idle() {
		return engine.Observer{}
	}
	return engine.Observer{Turned: a.beat, Rendered: a.metrics.rendered}
}

// Pulse is how often the main loop has to turn at least; zero when nobody
// looks.
func (a *Admin) Pulse() time.Duration {
	switch {
	case a.idle():
		return 0
	case a.systemd.every > 0:
		return min(pulse, a.systemd.every)
	}
	return pulse
}

// beat is called by the main loop and must not block it.
func (a *Admin) beat() {
	a.turned.Store(int64(time.Since(a.began)))
	for _, c := range []chan struct{}{a.fed, a.told} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// silence is how long the main loop has not turned.
func (a *Admin) silence() time.Duration {
	return time.Since(a.began) - time.Duration(a.turned.Load())
}

func (a *Admin) stuck() bool { return a.silence() >= stuckAfter }

// Run runs work, the main loop of s, and lets others see it until it returns.
// It fails at once when the address cannot be listened on; what goes wrong
// later is logged. Observer must have been handed to the loop's engine.
func (a *Admin) Run(ctx context.Context, s Subject, work func(context.Context) error) error {
	if a.idle() {
		return work(ctx)
	}
	var all sync.WaitGroup
	defer all.Wait()
	around, stop := context.WithCancel(context.WithoutCancel(ctx)) // work may go on for a while after ctx
	defer stop()
	if a.opt.Addr != "" {
		l, err := net.Listen("tcp", a.opt.Addr)
		if err != nil {
			return fmt.Errorf("metrics-addr %s: %w", a.opt.Addr, err)
		}
		all.Go(func() { a.serve(around, l, a.handler(s)) })
	}
	if a.systemd.send != nil {
		all.Go(func() { a.systemd.feed(around, a.fed) })
		all.Go(func() { a.systemd.tell(around, a.told, s) })
		all.Go(func() {
			select {
			case <-ctx.Done():
			case <-around.Done():
			}
			a.systemd.stopping()
		})
	}
	a.turned.Store(int64(time.Since(a.began))) // from here on the loop is expected to turn
	return work(ctx)
}

// Reload runs do, which reads the configuration again, and tells systemd before
// and after.
func (a *Admin) Reload(do func()) {
	a.systemd.reloading()
	do()
	a.systemd.reloaded()
}
