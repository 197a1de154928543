// Package metadata is `wconf metadata serve`: an HTTP server that answers like
// rancher-metadata, of both generations. It reads the answers.yml (or .json)
// of v0.1 to v0.7 and the delta file of v0.8 to v0.10, and gives text, JSON
// and YAML byte for byte as those servers do, long polls included.
//
// It promises that a request sees one whole set of answers, never parts of
// two, and that an answers file that cannot be used changes nothing. It never
// writes a file, never logs a value, and never dies of its input: where the
// old servers crash, it answers. The places where it differs on purpose:
//
//   - A step into a null is 404, and a list element whose name is not a string
//     is listed by its uuid or index; both closed the connection.
//   - A mapping key that is not a string (`yes:`, `5:`) counts as its text; it
//     ended the process.
//   - A long poll ends when maxWait is over, not at the next of the 5 s ticks,
//     and a very large maxWait means the longest poll.
//   - Lists of a delta file stand in the order of the file; it was random, and
//     another one after each reload.
//   - The token of a service is seen by each of its containers; it was seen by
//     a random one.
//   - YAML answers keep all digits of a float, and escape U+2028, U+2029 and
//     U+FEFF, and nothing more because of them.
//   - The content type is always text/plain, whatever a value begins with.
package metadata

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Where rancher-metadata listens unless told otherwise.
const (
	DefaultListen       = ":80"
	DefaultListenReload = "127.0.0.1:8112"
)

// Options say what to serve and where.
type Options struct {
	Answers      string       // path of the answers file, of either generation
	Listen       string       // host:port; DefaultListen when empty
	ListenReload string       // host:port for POST /v1/reload; none when empty
	XFF          bool         // the header X-Forwarded-For, if not empty, names the client
	Log          *slog.Logger // none when nil
}

// Server serves one answers file. Its methods may be called at the same time.
type Server struct {
	opts   Options
	log    *slog.Logger
	reload sync.Mutex
	world  atomic.Pointer[world]

	ready           chan struct{}
	main, secondary net.Listener // set before ready is closed
}

// New is a server that has read nothing, listens nowhere and answers every
// request with 404 until Reload or Run is called.
func New(opts Options) *Server {
	if opts.Listen == "" {
		opts.Listen = DefaultListen
	}
	s := &Server{opts: opts, log: opts.Log, ready: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.world.Store(newWorld(nil))
	return s
}

// Reload reads the answers file again and replaces all answers at once; long
// polls whose value has changed are answered. After an error the old answers
// stay; the error is a *problem.Problem when the file's content is to blame. A
// missing file is no error: as with rancher-metadata, nothing is served then.
//
// `wconf metadata serve` calls it on SIGHUP.
func (s *Server) Reload() error {
	s.reload.Lock()
	defer s.reload.Unlock()
	start := time.Now()
	answers, err := readAnswers(s.opts.Answers)
	if err != nil {
		return err
	}
	old := s.world.Swap(newWorld(answers))
	close(old.replaced)
	if answers == nil {
		s.log.Warn("answers file is missing, nothing is served", "path", s.opts.Answers)
		return nil
	}
	s.log.Info("answers loaded", "path", s.opts.Answers, "versions", len(answers), "took", time.Since(start))
	return nil
}

// Run reads the answers, listens and serves until ctx ends; it may be called
// once. Then open long polls are answered with what they have, and Run returns
// nil. It fails at once when the answers cannot be used or an address cannot
// be listened on.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Reload(); err != nil {
		return err
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	s.serveOn(ctx, group, s.main, s.Handler())
	if s.secondary != nil {
		s.serveOn(ctx, group, s.secondary, s.ReloadHandler())
	}
	close(s.ready)
	s.log.Info("serving metadata", "address", s.main.Addr().String(), "path", s.opts.Answers)
	return group.Wait()
}

// Ready is closed once Run listens and has read the answers.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr is the address that Run listens on, nil before Ready.
func (s *Server) Addr() net.Addr { return s.addr(&s.main) }

// ReloadAddr is the address of POST /v1/reload, nil before Ready and without
// Options.ListenReload.
func (s *Server) ReloadAddr() net.Addr { return s.addr(&s.secondary) }

func (s *Server) addr(l *net.Listener) net.Addr {
	select {
	case <-s.ready:
		if *l != nil {
			return (*l).Addr()
		}
	default:
	}
	return nil
}

func (s *Server) listen(ctx context.Context) (err error) {
	var config net.ListenConfig
	if s.main, err = config.Listen(ctx, "tcp", s.opts.Listen); err != nil {
		return fmt.Errorf("listen for metadata requests: %w", err)
	}
	if s.opts.ListenReload == "" {
		return nil
	}
	if s.secondary, err = config.Listen(ctx, "tcp", s.opts.ListenReload); err != nil {
		s.main.Close()
		return fmt.Errorf("listen for reload requests: %w", err)
	}
	return nil
}

// serveOn adds an HTTP server to the group. The end of ctx ends its long polls,
// because their requests' contexts come from it.
func (s *Server) serveOn(ctx context.Context, group *errgroup.Group, l net.Listener, h http.Handler) {
	const grace = 5 * time.Second
	server := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       3 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve on %s: %w", l.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		hurry, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if server.Shutdown(hurry) != nil {
			server.Close() // a client that takes its answer too slowly
		}
		return nil
	})
}
