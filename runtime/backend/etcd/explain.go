package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/problem"
)

// explain says what a failure means for a user. Endings that the caller asked
// for stay what they are.
func (b *Backend) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return b.ended(ctx)
	}
	p := new(problem.Problem)
	if err == nil || errors.As(err, &p) || errors.Is(err, backend.ErrCursorLost) {
		return err
	}
	switch known := rpctypes.Error(cause(err)); {
	case errors.Is(known, rpctypes.ErrPermissionDenied):
		err = fmt.Errorf("%w: %w", backend.ErrRefused, err)
		return b.problem(err, "denies reading what is asked for", "let the user's role read it: etcdctl role grant-permission ROLE read --prefix=true PREFIX")
	case errors.Is(known, rpctypes.ErrAuthFailed):
		return b.problem(err, "refuses the user name or password", "")
	case errors.Is(known, rpctypes.ErrUserEmpty):
		return b.problem(err, "wants a user name and password", "set username and password; the classic form also needs -basic-auth")
	}
	switch status.Code(cause(err)) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return b.silence(ctx, err)
	case codes.Unimplemented:
		return b.problem(err, "does not speak version 3 of etcd's interface", "wconf needs etcd 3.4 or later")
	}
	return b.problem(err, "fails: "+status.Convert(cause(err)).Message(), "")
}

// ended is what a context that is done means: where its time ran out, the store
// is to blame, by what connecting to its nodes said.
func (b *Backend) ended(ctx context.Context) error {
	why := context.Cause(ctx)
	if !errors.Is(why, context.DeadlineExceeded) {
		return why
	}
	return b.problem(why, "does not answer: "+cmp.Or(b.nodes.complaint(), "it accepts connections and says nothing"), "")
}

// cause is the gRPC error within err.
func cause(err error) error {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus().Err()
	}
	return err
}

func (b *Backend) problem(err error, msg, hint string) error {
	return &problem.Problem{Code: problem.StoreDown, Msg: fmt.Sprintf("etcd at %s %s", b.nodes, msg), Hint: hint, Err: err}
}

// silence explains a store that does not answer.
func (b *Backend) silence(ctx context.Context, err error) error {
	said := b.nodes.complaint()
	if said == "" {
		if v := b.oldServer(ctx, err); v != "" {
			return b.problem(err, "is version "+v+", which has only the old v2 interface", "wconf needs etcd 3.4 or later")
		}
		said = strings.TrimPrefix(status.Convert(cause(err)).Message(), "connection error: ")
	}
	hint := ""
	if m := err.Error(); b.nodes.secure && (strings.Contains(m, "preface") || strings.Contains(m, "broken pipe")) {
		hint = "a server that breaks off after the TLS handshake may want another client certificate"
	}
	return b.problem(err, "does not answer: "+said, hint)
}

// oldServer is the version of a server that answers the v2 interface's
// question for it and does not speak gRPC; "" for any other.
func (b *Backend) oldServer(ctx context.Context, err error) string {
	if b.nodes.secure || !strings.Contains(err.Error(), "reading server preface") {
		return ""
	}
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	addresses, err := b.nodes.resolve(ctx)
	if err != nil {
		return ""
	}
	for _, a := range addresses {
		if v := askVersion(ctx, a); v != "" && !strings.HasPrefix(v, "3.") {
			return v
		}
	}
	return ""
}

// askVersion asks what every etcd since 2.0 answers over HTTP.
func askVersion(ctx context.Context, address string) string {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/version", nil)
	if err != nil {
		return ""
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(q)
	if err != nil {
		return ""
	}
	defer a.Body.Close()
	var v struct{ EtcdServer, ReleaseVersion string }
	if json.NewDecoder(io.LimitReader(a.Body, 1<<10)).Decode(&v) != nil {
		return ""
	}
	return cmp.Or(v.EtcdServer, v.ReleaseVersion)
}
