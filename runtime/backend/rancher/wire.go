package rancher

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxHeader  = 256 << 10
	maxInterim = 8                // answers of 1xx before the one that counts
	keepFor    = 90 * time.Second // a connection that is not used
)

// wires is an http.RoundTripper whose requests are written and whose answers
// are read by who asks. In net/http's transport two goroutines of each
// connection do that, and all of a change's way waits for them to wake.
type wires struct {
	dialer  net.Dialer
	timeout time.Duration  // of a handshake
	trust   *x509.CertPool // nil: the system's
	keep    int            // so many are kept

	mu     sync.Mutex
	idle   []*wire // the last used is the last
	closed bool
}

// wire is one connection. It belongs to who took it until its answer is read
// to the end.
type wire struct {
	net.Conn
	to    string // scheme and host
	in    *bufio.Reader
	out   *bufio.Writer
	since time.Time // it is idle
	room  int       // how much more the header may take; of bodies others take care
	begun bool      // something of the answer has come
	ended error     // why no more of it will
}

// RoundTrip implements http.RoundTripper.
func (w *wires) RoundTrip(request *http.Request) (*http.Response, error) {
	for {
		c, kept, err := w.take(request)
		if err != nil {
			return nil, err
		}
		response, err := w.exchange(c, request)
		switch {
		case kept && err == nil && response.StatusCode == http.StatusRequestTimeout: // it was there before the request
			response.Body.Close()
		case err == nil:
			return response, nil
		default:
			c.Close()
			if !kept || c.begun || request.Context().Err() != nil {
				return nil, err
			}
		}
		// The server had given the connection up in the meantime.
	}
}

// take returns a connection that is kept, or a new one.
func (w *wires) take(request *http.Request) (c *wire, kept bool, err error) {
	to := request.URL.Scheme + "://" + request.URL.Host
	w.mu.Lock()
	old := len(w.idle)
	for i, c := range w.idle {
		if time.Since(c.since) < keepFor {
			old = i
			break
		}
		c.Close()
	}
	w.idle = slices.Delete(w.idle, 0, old)
	for i := len(w.idle) - 1; i >= 0; i-- {
		if c := w.idle[i]; c.to == to {
			w.idle = slices.Delete(w.idle, i, i+1)
			w.mu.Unlock()
			return c, true, nil
		}
	}
	w.mu.Unlock()
	conn, err := w.dial(request.Context(), request.URL.Scheme == "https", request.URL.Hostname(), request.URL.Port())
	if err != nil {
		return nil, false, err
	}
	c = &wire{Conn: conn, to: to}
	c.in, c.out = bufio.NewReader(c), bufio.NewWriter(c)
	return c, false, nil
}

func (w *wires) dial(ctx context.Context, secure bool, host, port string) (net.Conn, error) {
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	conn, err := w.dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil || !secure {
		return conn, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, w.timeout, fmt.Errorf("no TLS handshake in time (%v)", w.timeout))
	defer stop()
	shaken := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: w.trust, NextProtos: []string{"http/1.1"}})
	if err := shaken.HandshakeContext(ctx); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && strings.HasPrefix(string(e.RecordHeader[:]), "HTTP") {
			return nil, errors.New("it speaks HTTP, not HTTPS")
		}
		return nil, err
	}
	return shaken, nil
}

// exchange sends a request and reads the header of the answer. The connection
// is free once the body has been read to its end, and is closed with the body
// otherwise.
func (w *wires) exchange(c *wire, request *http.Request) (*http.Response, error) {
	c.begun, c.ended, c.room = false, nil, maxHeader
	release := context.AfterFunc(request.Context(), c.cut)
	response, err := c.ask(request)
	if err != nil {
		release()
		return nil, err
	}
	c.room = -1
	response.Body = &body{ReadCloser: response.Body, end: func(whole bool) {
		if release() && whole && !response.Close && c.in.Buffered() == 0 && w.put(c) {
			return
		}
		c.Close()
	}}
	return response, nil
}

// put keeps a connection, in place of the oldest when there are enough.
func (w *wires) put(c *wire) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	if len(w.idle) == w.keep {
		w.idle[0].Close()
		w.idle = slices.Delete(w.idle, 0, 1)
	}
	c.since = time.Now()
	w.idle = append(w.idle, c)
	return true
}

// CloseIdleConnections is what http.Client calls. None is kept from now on.
func (w *wires) CloseIdleConnections() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, c := range w.idle {
		c.Close()
	}
	w.idle = nil
}

func (c *wire) ask(request *http.Request) (*http.Response, error) {
	err := request.Write(c.out)
	if err == nil {
		err = c.out.Flush()
	}
	if err != nil {
		return nil, err
	}
	for range maxInterim {
		response, err := http.ReadResponse(c.in, request)
		switch {
		case c.ended == io.EOF && c.begun && err != nil:
			return nil, io.ErrUnexpectedEOF
		case c.ended != nil && err != nil:
			return nil, c.ended
		case err != nil: // which quotes what came
			return nil, errors.New("its answer is not HTTP")
		case response.StatusCode >= http.StatusOK || response.StatusCode == http.StatusSwitchingProtocols:
			return response, nil
		}
	}
	return nil, errors.New("it answers 1xx again and again")
}

// cut ends what waits for the connection.
func (c *wire) cut() { c.SetDeadline(time.Unix(1, 0)) }

// Read implements io.Reader, within the room that the header has.
func (c *wire) Read(p []byte) (n int, _ error) {
	switch {
	case c.room == 0:
		c.ended = fmt.Errorf("the header of its answer is larger than %d bytes", maxHeader)
		return 0, c.ended
	case c.room > 0:
		p = p[:min(len(p), c.room)]
	}
	n, c.ended = c.Conn.Read(p)
	if c.room > 0 {
		c.room -= n
	}
	c.begun = c.begun || n > 0
	return n, c.ended
}

// body is the body of an answer.
type body struct {
	io.ReadCloser
	end func(whole bool) // nil: it has been called
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.finish(err == io.EOF)
	}
	return n, err
}

func (b *body) Close() error {
	b.finish(false)
	return nil
}

func (b *body) finish(whole bool) {
	if b.end != nil {
		b.end(whole)
		b.end = nil
	}
}
