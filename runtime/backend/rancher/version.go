package rancher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// versions is what /{root}/version says for the first segment of each prefix.
// It is a token: another one means that something may have changed.
type versions map[string]string

// absent is the token of a root without a version.
const absent = "\x00"

const (
	versionTimeout = 10 * time.Second
	// maxWait is how long a long poll may take on the server, as in confd. The
	// server looks at the clock every five seconds only.
	maxWait  = 10 * time.Second
	pollTime = maxWait + 15*time.Second
)

// roots are the first segments of prefixes; "/" stands for the newest version.
func roots(prefixes []string) []string {
	var all []string
	for _, p := range prefixes {
		root, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
		if root == "" {
			root = "latest"
		}
		all = append(all, root)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// versionsOf asks for the version of each root.
func (m *metadata) versionsOf(ctx context.Context, prefixes []string) (versions, error) {
	all := versions{}
	for _, root := range roots(prefixes) {
		v, err := m.version(ctx, root, nil, versionTimeout)
		if err != nil {
			return nil, err
		}
		all[root] = v
	}
	return all, nil
}

func (m *metadata) version(ctx context.Context, root string, query url.Values, limit time.Duration) (string, error) {
	v := absent
	err := m.get(ctx, "/"+root+"/version", query, limit, func(body io.Reader) (err error) {
		v, err = token(io.LimitReader(body, maxShort))
		return err
	})
	if err == errMissing {
		return absent, nil
	}
	return v, err
}

// token is the text of a version as the server compares it.
func token(body io.Reader) (string, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	if !json.Valid(text) {
		return "", errors.New("its version is not JSON")
	}
	text = bytes.TrimSpace(text)
	switch text[0] {
	case '{', '[', 'n': // n is null
		return "", errors.New("its version is no text")
	case '"':
		var v string
		err := json.Unmarshal(text, &v)
		return v, err
	}
	return string(text), nil // a number or a bool
}

// await returns when the version of some root is another one than held, with
// what is known then, or when the server has waited for long enough, with nil.
// Servers that do not wait are asked in intervals.
func (m *metadata) await(ctx context.Context, held versions) (now versions, err error) {
	if len(held) == 1 { // nearly always: nobody to hand the answer on to
		for root := range held {
			token, err := m.awaitOne(ctx, root, held[root])
			return held.with(root, token, err), err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	type end struct {
		root, token string
		err         error
	}
	ends := make(chan end)
	for root, token := range held {
		go func() {
			now, err := m.awaitOne(ctx, root, token)
			ends <- end{root, now, err}
		}()
	}
	for range held {
		e := <-ends
		if err != nil || now != nil { // the first that has something to say
			continue
		}
		err = e.err
		if now = held.with(e.root, e.token, err); err != nil || now != nil {
			stop()
		}
	}
	stop()
	return now, err
}

// awaitOne is the token of one root when it is another one than held, or when
// the server has waited for long enough.
func (m *metadata) awaitOne(ctx context.Context, root, held string) (string, error) {
	begun := time.Now()
	query := url.Values{"wait": {"true"}, "value": {strings.Trim(held, absent)}, "maxWait": {strconv.Itoa(int(maxWait / time.Second))}}
	now, err := m.version(ctx, root, query, pollTime)
	if err != nil || now != held {
		return now, err
	}
	if took := time.Since(begun); took < maxWait/2 { // it does not wait
		return held, pause(ctx, m.interval-took)
	}
	return held, nil
}

// with is the versions with another token for a root; nil when it is the same,
// or an error came instead.
func (v versions) with(root, token string, err error) versions {
	if err != nil || token == v[root] {
		return nil
	}
	now := maps.Clone(v)
	now[root] = token
	return now
}

func (v versions) equal(o versions) bool { return maps.Equal(v, o) }
