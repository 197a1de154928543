package etcd

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wconf/wconf/runtime/backend"
)

// credentialsFor is how connections are secured: plain text, or TLS by files
// that must be readable already.
func credentialsFor(c backend.Config, n *nodes) (credentials.TransportCredentials, error) {
	f := tlsFiles{cert: c.ClientCert, key: c.ClientKey, ca: c.CAKeys, serverName: c.ServerName, insecure: c.Insecure}
	if (f.cert == "") != (f.key == "") {
		return nil, configProblem("a client certificate needs its key, and a key its certificate", "give client_cert and client_key together")
	}
	if !n.secure {
		return noted{insecure.NewCredentials(), n}, nil
	}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	return noted{rereading{credentials.NewTLS(nil), f}, n}, nil
}

// tlsFiles is where TLS takes its certificates from.
type tlsFiles struct {
	cert, key, ca string
	serverName    string
	insecure      bool
}

func (f tlsFiles) load() (*tls.Config, error) {
	c := &tls.Config{ServerName: f.serverName, InsecureSkipVerify: f.insecure, MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("read CA certificates: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, configProblem(fmt.Sprintf("read CA certificates: %s holds no PEM certificate", f.ca), "")
		}
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("read client certificate %s and key %s: %w", f.cert, f.key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// rereading reads the files again for each connection, so that renewed
// certificates count without a restart.
type rereading struct {
	credentials.TransportCredentials
	files tlsFiles
}

func (r rereading) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, err := r.files.load()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(c).ClientHandshake(ctx, cmp.Or(c.ServerName, authority), raw)
}

func (r rereading) Clone() credentials.TransportCredentials {
	return rereading{r.TransportCredentials.Clone(), r.files}
}

// noted tells nodes how handshakes end. Without it a wrong certificate is just
// a store that does not answer.
type noted struct {
	credentials.TransportCredentials
	nodes *nodes
}

func (s noted) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := s.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		s.nodes.note(authority, fmt.Errorf("TLS with %s: %w", authority, err))
	} else {
		s.nodes.note(authority, nil)
	}
	return conn, info, err
}

func (s noted) Clone() credentials.TransportCredentials {
	return noted{s.TransportCredentials.Clone(), s.nodes}
}
