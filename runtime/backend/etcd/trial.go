package etcd

import (
	"strings"
	"time"
)

// note remembers the outcome of connecting to an address.
func (n *nodes) note(address string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		delete(n.refused, address)
	} else {
		n.refused[address] = err
	}
	for t := range n.trials {
		t.note(address, err == nil)
	}
}

// trial is an attempt at all nodes that somebody waits for.
type trial struct {
	left map[string]struct{} // addresses not tried yet
	over func()              // called when it is known that none can be connected to
}

// try calls over when every node has been tried in vain, or when one was
// connected to that says nothing for a second. The function it returns ends
// the trial.
func (n *nodes) try(over func()) (end func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := &trial{left: map[string]struct{}{}, over: over}
	for _, a := range n.found {
		t.left[a] = struct{}{}
	}
	n.trials[t] = struct{}{}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.trials, t)
	}
}

// note is called with the nodes locked.
func (t *trial) note(address string, good bool) {
	delete(t.left, address)
	switch {
	case good:
		time.AfterFunc(time.Second, t.over)
	case len(t.left) == 0:
		t.over()
	}
}

// giveUp ends every trial: there is no address.
func (n *nodes) giveUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for t := range n.trials {
		t.over()
	}
}

// complaint says for each address why it could not be connected to; "" when
// none of them failed.
func (n *nodes) complaint() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var said []string
	for _, a := range n.found {
		if err := n.refused[a]; err != nil {
			said = append(said, err.Error())
		}
	}
	return strings.Join(said, "; ")
}
