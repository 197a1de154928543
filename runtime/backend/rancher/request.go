package rancher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxBody  = 64 << 20
	maxShort = 64 << 10 // of errors and versions
)

// newClient makes a client that talks to one host: no proxy, no redirect to
// another host, no compression (nobody may blow up an answer).
func newClient(dial time.Duration) *http.Client {
	return &http.Client{
		Transport: &wires{
			dialer:  net.Dialer{Timeout: dial, KeepAlive: 15 * time.Second},
			timeout: dial,
			keep:    atOnce + 1, // and the long poll
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if next.URL.Host != via[0].URL.Host || next.URL.Scheme != via[0].URL.Scheme {
				return fmt.Errorf("it redirects to another host, %s", next.URL.Host)
			}
			if len(via) > 5 {
				return errors.New("it redirects again and again")
			}
			return nil
		},
	}
}

// errMissing is a 404 of rancher-metadata itself.
var errMissing = errors.New("not found")

// timeout is why a request ended: there was no whole answer for so long.
type timeout time.Duration

func (t timeout) Error() string { return fmt.Sprintf("no whole answer in time (%v)", time.Duration(t)) }

// get asks for a path and has read consume the whole answer. The time covers
// everything, to the last byte. A path that is not there is errMissing.
func (m *metadata) get(ctx context.Context, path string, query url.Values, limit time.Duration, read func(io.Reader) error) error {
	node, err := m.nodes.current(ctx)
	if err != nil {
		return err
	}
	timed, stop := context.WithTimeoutCause(ctx, limit, timeout(limit))
	defer stop()
	err = m.exchange(timed, at(node, path, query), read)
	switch {
	case err == nil || err == errMissing:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case timed.Err() != nil:
		err = context.Cause(timed)
	}
	m.nodes.failed(node)
	return fmt.Errorf("ask %s for %s: %w", node.Host, path, bare(err))
}

// at is the URL of a clean path. The server decodes each segment as a query,
// in which a plus is a space.
func at(node *url.URL, path string, query url.Values) *url.URL {
	u := *node
	u.Path += path
	segments := strings.Split(u.Path, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(s), "+", "%2B")
	}
	u.RawPath = strings.Join(segments, "/")
	u.RawQuery = query.Encode()
	return &u
}

func (m *metadata) exchange(ctx context.Context, u *url.URL, read func(io.Reader) error) error {
	request := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
		"Accept":     {"application/json"}, // exactly this; with a charset it would be text
		"User-Agent": {"wconf"},
	}}
	if m.identity != "" {
		request.Header.Set("X-Forwarded-For", m.identity)
	}
	response, err := m.http.Do(request.WithContext(ctx))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return read(http.MaxBytesReader(nil, response.Body, maxBody))
	case http.StatusNotFound:
		return missing(response.Body)
	}
	return fmt.Errorf("it answers %s", response.Status)
}

var errTooLarge = fmt.Errorf("its answer is larger than %d bytes", maxBody)

// bare is the error in words of ours: without the URL, which get names better,
// and without talk of requests that are too large.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	return err
}

// missing tells rancher-metadata's own 404 from that of somebody who answers
// in its place, such as a proxy: keys must not vanish because of that.
func missing(body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, maxShort))
	if err != nil {
		return err
	}
	var answer struct{ Type string }
	word := string(bytes.TrimSpace(text))
	if json.Unmarshal(text, &answer) == nil && answer.Type == "error" || word == "Not found" || word == "Invalid version" {
		return errMissing
	}
	return errors.New("it answers 404 Not Found, but not as rancher-metadata does")
}

// exists tells whether a path is there.
func (m *metadata) exists(ctx context.Context, path string) (bool, error) {
	err := m.get(ctx, path, nil, m.timeout, func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	})
	if err == errMissing {
		return false, nil
	}
	return err == nil, err
}

type missingError struct{ path string }

func (e *missingError) Error() string { return "the metadata has nothing under " + e.path }
