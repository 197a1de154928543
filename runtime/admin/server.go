package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// handler answers GET and HEAD at the paths of the fork abtreece/confd, and
// nothing else.
func (a *Admin) handler(s Subject) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.handler(s, a.log))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { a.health(w) })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { a.answerReady(w, s) })
	mux.HandleFunc("GET /ready/detailed", func(w http.ResponseWriter, _ *http.Request) { a.answerDetailed(w, s) })
	return mux
}

// health answers 200 as long as the main loop turns. It asks for nothing that
// the loop may hold.
func (a *Admin) health(w http.ResponseWriter) {
	if a.stuck() {
		answer(w, false, fmt.Sprintf("the main loop has been stuck for %s", a.silence().Truncate(time.Second)))
		return
	}
	answer(w, true, "ok")
}

func (a *Admin) answerReady(w http.ResponseWriter, s Subject) {
	if a.stuck() { // asking could wait for ever
		a.health(w)
		return
	}
	all := s.Status()
	if !a.isReady(all) {
		answer(w, false, fmt.Sprintf("%d of %d resources rendered", rendered(all), len(all)))
		return
	}
	answer(w, true, "ok")
}

func answer(w http.ResponseWriter, good bool, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(statusCode(good))
	fmt.Fprintln(w, text)
}

func (a *Admin) answerDetailed(w http.ResponseWriter, s Subject) {
	st := a.standing(s, time.Now())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusCode(st.Ready && st.Alive))
	json.NewEncoder(w).Encode(st) //nolint:errcheck // whoever asked is gone
}

func statusCode(good bool) int {
	if good {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// serve answers until ctx is done.
func (a *Admin) serve(ctx context.Context, l net.Listener, h http.Handler) {
	if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
		a.log.Warn("metrics and health are open to other hosts, without TLS", "addr", l.Addr().String())
	} else {
		a.log.Info("serving metrics and health", "address", l.Addr().String())
	}
	server := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	end := context.AfterFunc(ctx, func() { server.Close() })
	defer end()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		a.log.Error("metrics and health are no longer served", "err", err)
	}
}
