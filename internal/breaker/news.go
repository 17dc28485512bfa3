package breaker

import "sync"

// news passes changes on in the order in which they happened, one at a time,
// while no lock of the circuit is held. Whoever finds somebody passing on
// leaves it to him: so a listener may change the circuit it hears of.
type news struct {
	tell func(Change)

	mu      sync.Mutex
	waiting []Change
	busy    bool
}

// add is called in the order of the changes.
func (n *news) add(c Change) {
	if n.tell == nil {
		return
	}
	n.mu.Lock()
	n.waiting = append(n.waiting, c)
	n.mu.Unlock()
}

// deliver passes on what waits.
func (n *news) deliver() {
	if n.tell == nil || !n.begin() {
		return
	}
	told := false
	defer func() {
		if !told { // the listener panicked: the next delivery goes on
			n.mu.Lock()
			n.busy = false
			n.mu.Unlock()
		}
	}()
	for {
		c, ok := n.next()
		if !ok {
			told = true
			return
		}
		n.tell(c)
	}
}

func (n *news) begin() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.busy || len(n.waiting) == 0 {
		return false
	}
	n.busy = true
	return true
}

func (n *news) next() (Change, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waiting) == 0 {
		n.busy, n.waiting = false, nil
		return Change{}, false
	}
	c := n.waiting[0]
	n.waiting = n.waiting[1:]
	return c, true
}
