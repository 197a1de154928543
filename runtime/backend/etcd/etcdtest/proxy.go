package etcdtest

import (
	"net"
	"sync"
	"testing"
)

// Proxy is a network between a client and a server that can be broken. The
// zero value of its mode passes everything.
type Proxy struct {
	Endpoint string // where it listens, host:port

	to       string
	listener net.Listener
	tasks    sync.WaitGroup

	mu    sync.Mutex
	open  *sync.Cond
	hole  bool
	deny  bool
	conns map[net.Conn]struct{}
	ended bool
}

// NewProxy passes connections on to an address until the test ends.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Endpoint: l.Addr().String(), to: to, listener: l, conns: map[net.Conn]struct{}{}}
	p.open = sync.NewCond(&p.mu)
	p.tasks.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Cut breaks the connections that are open. New ones work.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// Refuse breaks the connections and takes no new ones until Pass.
func (p *Proxy) Refuse() {
	p.set(false, true)
	p.Cut()
}

// Hole keeps connections open and lets nothing through until Pass.
func (p *Proxy) Hole() { p.set(true, false) }

// Pass ends Refuse and Hole.
func (p *Proxy) Pass() { p.set(false, false) }

func (p *Proxy) set(hole, deny bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole, p.deny = hole, deny
	p.open.Broadcast()
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.ended = true
	p.open.Broadcast()
	p.mu.Unlock()
	p.listener.Close()
	p.Cut()
	p.tasks.Wait()
}

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(in) {
			in.Close()
			continue
		}
		p.tasks.Go(func() { p.serve(in) })
	}
}

// keep notes a connection that Cut has to break; false while none is taken.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deny || p.ended {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) serve(in net.Conn) {
	defer in.Close()
	p.wait()
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer out.Close()
	if !p.keep(out) {
		return
	}
	done := make(chan struct{})
	go func() {
		p.pump(out, in)
		close(done)
	}()
	p.pump(in, out)
	<-done
}

func (p *Proxy) pump(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		p.wait()
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// wait blocks while the network is a hole.
func (p *Proxy) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.hole && !p.ended {
		p.open.Wait()
	}
}
