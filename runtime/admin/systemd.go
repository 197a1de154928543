package admin

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/wconf/wconf/runtime/engine"
)

// systemd tells the service manager how the main loop stands (sd_notify(3)).
// Each of its loops is driven by the beats of the main loop alone.
type systemd struct {
	send  func(message string) error // nil: nobody listens
	every time.Duration              // the watchdog hears at least that often; zero: there is none
	log   *slog.Logger

	mu      sync.Mutex
	ready   bool // READY=1 was sent
	stopped bool // STOPPING=1 was sent
	status  string
	unheard bool // the last message was not taken; said once
}

func newSystemd(o Options) *systemd {
	s := &systemd{log: o.Log}
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		if o.Systemd {
			o.Log.Warn("systemd is not told anything: NOTIFY_SOCKET is not set")
		}
		return s
	}
	s.send = func(message string) error { return notify(socket, message) }
	unit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		o.Log.Warn("systemd's watchdog is not fed", "err", err)
	}
	s.every = o.Watchdog
	if half := unit / 2; half > 0 && (s.every <= 0 || s.every > half) {
		if s.every > half {
			o.Log.Warn("watchdog-interval is too long for the unit's WatchdogSec; half of that is used", "interval", s.every, "used", half)
		}
		s.every = half
	}
	return s
}

// notify sends one message. A service manager that does not read must not keep
// wconf from ending, so it waits a second at most.
func notify(socket, message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}

// say sends a message, and logs once that nobody takes them.
func (s *systemd) say(message string) {
	err := s.send(message)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !s.unheard {
		s.log.Warn("systemd does not take messages", "err", err)
	}
	s.unheard = err != nil
}

// feed feeds the watchdog, at most twice as often as it has to: a loop that
// does not turn lets it starve.
func (s *systemd) feed(ctx context.Context, beats <-chan struct{}) {
	if s.every <= 0 {
		return
	}
	var fed time.Time
	for {
		select {
		case <-beats:
		case <-ctx.Done():
			return
		}
		if now := time.Now(); now.Sub(fed) >= s.every/2 {
			s.say(daemon.SdNotifyWatchdog)
			fed = now
		}
	}
}

// tell says when the first pass is over, and then what changes in the status
// line: once a second at most.
func (s *systemd) tell(ctx context.Context, beats <-chan struct{}, subject Subject) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-beats:
		case <-ctx.Done():
			return
		}
		pause := 100 * time.Millisecond
		if s.show(subject.Status(), time.Now()) {
			pause = time.Second
		}
		rest.Reset(pause)
		select {
		case <-rest.C:
		case <-ctx.Done():
			return
		}
	}
}

// show says what is new, and tells whether the first pass is over.
func (s *systemd) show(all []engine.Status, now time.Time) bool {
	line := statusLine(all, now)
	s.mu.Lock()
	message := ""
	if line != s.status {
		message = "STATUS=" + line
	}
	if !s.ready && !s.stopped && looked(all) == len(all) {
		s.ready, message = true, daemon.SdNotifyReady+"\nSTATUS="+line
	}
	s.status = line
	ready := s.ready
	s.mu.Unlock()
	if message != "" {
		s.say(message)
	}
	return ready
}

// reloading begins a reload of the configuration. The protocol has none before
// the start is over.
func (s *systemd) reloading() {
	if s.started() {
		s.say(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	}
}

func (s *systemd) reloaded() {
	if s.started() {
		s.say(daemon.SdNotifyReady)
	}
}

func (s *systemd) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready && !s.stopped
}

func (s *systemd) stopping() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.say(daemon.SdNotifyStopping)
}
