package rancher

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// peer is a server that speaks HTTP as it likes: answer gets each connection,
// in the order in which they come, and what is sent on it.
type peer struct {
	url   string
	conns atomic.Int64
}

func newPeer(t *testing.T, answer func(nth int64, c net.Conn, in *bufio.Reader)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &peer{url: "http://" + l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			nth := p.conns.Add(1)
			go func() {
				defer c.Close()
				answer(nth, c, bufio.NewReader(c))
			}()
		}
	}()
	return p
}

// hear reads one request's header; false at the end of the connection.
func hear(in *bufio.Reader) bool {
	_, err := http.ReadRequest(in)
	return err == nil
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\""

// client is one whose connections close when the test ends.
func client(t *testing.T) *http.Client {
	t.Helper()
	c := newClient(time.Second)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func fetched(c *http.Client, url string) (string, error) {
	response, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// What a server may do with a connection that is kept, and how many there are
// after three requests.
func TestConnectionsAreKept(t *testing.T) {
	always := func(text string) func(int64, net.Conn, *bufio.Reader) {
		return func(_ int64, c net.Conn, in *bufio.Reader) {
			for hear(in) {
				io.WriteString(c, text)
			}
		}
	}
	for name, c := range map[string]struct {
		answer func(int64, net.Conn, *bufio.Reader)
		want   int64
	}{
		"kept":              {always(fine), 1},
		"chunked":           {always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\"o\r\n2\r\nk\"\r\n0\r\n\r\n"), 1},
		"early hints first": {always("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + fine), 1},
		"asked to close":    {always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n\"ok\""), 3},
		"more than it said": {always(fine + "HTTP/1.1 200 OK\r\n"), 3},
		"without a length": {func(_ int64, c net.Conn, in *bufio.Reader) {
			hear(in)
			io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n\"ok\"")
		}, 3},
		"given up after each answer": {func(_ int64, c net.Conn, in *bufio.Reader) {
			hear(in)
			io.WriteString(c, fine)
		}, 3},
		"given up with a word, as HAProxy does": {func(_ int64, c net.Conn, in *bufio.Reader) {
			hear(in)
			io.WriteString(c, fine)
			time.Sleep(5 * time.Millisecond)
			io.WriteString(c, "HTTP/1.0 408 Request Time-out\r\nConnection: close\r\n\r\n")
		}, 3},
		"given up when the next request comes": {func(_ int64, c net.Conn, in *bufio.Reader) {
			hear(in)
			io.WriteString(c, fine)
			hear(in)
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			p, h := newPeer(t, c.answer), client(t)
			for i := range 3 {
				if i > 0 {
					time.Sleep(15 * time.Millisecond) // in which the server may say more
				}
				if text, err := fetched(h, p.url); err != nil || text != `"ok"` {
					t.Fatalf("got %q, %v", text, err)
				}
			}
			if got := p.conns.Load(); got != c.want {
				t.Errorf("%d connections, want %d", got, c.want)
			}
		})
	}
}

// A request is sent again only when nothing of an answer has come, and only
// after one that went well on the same connection.
func TestBrokenAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer, want string
		asked        int64
	}{
		"none":             {"", "EOF", 3},
		"half a header":    {"HTTP/1.1 200 OK\r\nContent-", "unexpected EOF", 2},
		"half a body":      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\"ok", "unexpected EOF", 2},
		"another protocol": {"SSH-2.0-OpenSSH\r\n", "its answer is not HTTP", 2},
		"long header":      {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader) + "\r\n\r\n", "larger than 262144 bytes", 2},
		"endless hints":    {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", maxInterim), "again and again", 2},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			p := newPeer(t, func(nth int64, conn net.Conn, in *bufio.Reader) {
				if nth == 1 && hear(in) {
					asked.Add(1)
					io.WriteString(conn, fine)
				}
				if hear(in) {
					asked.Add(1)
					io.WriteString(conn, c.answer)
				}
			})
			h := client(t)
			if _, err := fetched(h, p.url); err != nil {
				t.Fatal(err)
			}
			if _, err := fetched(h, p.url); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if got := asked.Load(); got != c.asked {
				t.Errorf("asked %d times, want %d", got, c.asked)
			}
		})
	}
}

// Whatever a request waits for, it ends with its context, and its connection
// is not used again.
func TestRequestsEndWithTheirContext(t *testing.T) {
	for name, begun := range map[string]string{
		"header": "",
		"body":   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\"ok",
	} {
		t.Run(name, func(t *testing.T) {
			heard := make(chan struct{}, 1)
			p := newPeer(t, func(nth int64, c net.Conn, in *bufio.Reader) {
				for n := 0; hear(in); n++ {
					switch {
					case nth > 1 || n == 0:
						io.WriteString(c, fine)
					default:
						io.WriteString(c, begun)
						heard <- struct{}{}
					}
				}
			})
			h := client(t)
			if _, err := fetched(h, p.url); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			go func() {
				<-heard
				stop()
			}()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := h.Do(request)
			if err == nil {
				_, err = io.ReadAll(response.Body)
				response.Body.Close()
			}
			if err == nil {
				t.Error("the answer came to an end")
			}
			if text, err := fetched(h, p.url); err != nil || text != `"ok"` {
				t.Errorf("afterwards got %q, %v", text, err)
			}
			if got := p.conns.Load(); got != 2 {
				t.Errorf("%d connections, want 2", got)
			}
		})
	}
}

func TestOldConnectionsAreNotUsed(t *testing.T) {
	p := newPeer(t, func(_ int64, c net.Conn, in *bufio.Reader) {
		for hear(in) {
			io.WriteString(c, fine)
		}
	})
	h := client(t)
	w := h.Transport.(*wires)
	for i := range 3 {
		if _, err := fetched(h, p.url); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			w.idle[0].since = time.Now().Add(-keepFor)
		}
	}
	if got := p.conns.Load(); got != 2 || len(w.idle) != 1 {
		t.Errorf("%d connections, %d kept; want 2, 1", got, len(w.idle))
	}
}

func TestHTTPS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `"ok"`) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer s.Close()
	h := client(t)
	var unknown x509.UnknownAuthorityError
	if _, err := fetched(h, s.URL); !errors.As(err, &unknown) {
		t.Errorf("a certificate of nobody gives %v", err)
	}
	w := h.Transport.(*wires)
	w.trust = x509.NewCertPool()
	w.trust.AddCert(s.Certificate())
	for range 2 {
		if text, err := fetched(h, s.URL); err != nil || text != `"ok"` {
			t.Errorf("got %q, %v", text, err)
		}
	}
	if len(w.idle) != 1 {
		t.Errorf("%d connections are kept", len(w.idle))
	}
}

func TestNoHandshake(t *testing.T) {
	plain := newPeer(t, func(_ int64, c net.Conn, in *bufio.Reader) {
		in.ReadByte()
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	if _, err := fetched(client(t), strings.Replace(plain.url, "http", "https", 1)); err == nil || !strings.Contains(err.Error(), "speaks HTTP, not HTTPS") {
		t.Errorf("got %v", err)
	}
	silent := newPeer(t, func(_ int64, c net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) })
	h := newClient(50 * time.Millisecond)
	if _, err := fetched(h, strings.Replace(silent.url, "http", "https", 1)); err == nil || !strings.Contains(err.Error(), "no TLS handshake in time (50ms)") {
		t.Errorf("got %v", err)
	}
}
