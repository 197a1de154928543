package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// login is a user of etcd and the token that stands for it. Tokens expire, and
// a stream keeps the one that it was opened with: so each stream gets a new
// one, and a request whose token is refused is made once more with a new one.
type login struct {
	user, password string
	api            api.Client

	renewing sync.Mutex // one at a time: etcd makes passwords expensive to check
	mu       sync.Mutex
	token    string
}

func (l *login) known() bool { return l.user != "" && l.password != "" }

// GetRequestMetadata sends the token with each request and stream.
func (l *login) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if t := l.current(); t != "" {
		return map[string]string{rpctypes.TokenFieldNameGRPC: t}, nil
	}
	return nil, nil
}

// RequireTransportSecurity is false: etcd itself allows passwords without TLS.
func (l *login) RequireTransportSecurity() bool { return false }

func (l *login) current() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token
}

func (l *login) set(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.token = token
}

// with runs a request with a token, and once more with a new one when etcd
// refuses it.
func (l *login) with(ctx context.Context, request func() error) error {
	if !l.known() {
		return request()
	}
	used := l.current()
	if used == "" {
		if err := l.renew(ctx, used); err != nil {
			return err
		}
		used = l.current()
	}
	err := request()
	if !tokenRefused(err) {
		return err
	}
	if err := l.renew(ctx, used); err != nil {
		return err
	}
	return request()
}

// renew fetches a new token unless somebody else has replaced old meanwhile.
func (l *login) renew(ctx context.Context, old string) error {
	if !l.known() {
		return nil
	}
	l.renewing.Lock()
	defer l.renewing.Unlock()
	if l.current() != old {
		return nil
	}
	l.set("")
	r, err := l.api.Authenticate(ctx, &api.AuthenticateRequest{Name: l.user, Password: l.password})
	if errors.Is(rpctypes.Error(err), rpctypes.ErrAuthNotEnabled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log in as %s: %w", l.user, err)
	}
	l.set(r.Token)
	return nil
}

func tokenRefused(err error) bool {
	err = rpctypes.Error(err)
	return errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrAuthOldRevision) || errors.Is(err, rpctypes.ErrUserEmpty)
}
