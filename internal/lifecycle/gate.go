package lifecycle

import (
	"sync"
	"sync/atomic"
)

// closedBit marks a closed gate, far above any count.
const closedBit = 1 << 62

// A Gate counts those who are inside, and can be closed to newcomers. Entering
// and leaving are one atomic operation each. The zero value is not usable:
// see [NewGate]. Safe for concurrent use.
type Gate struct {
	state atomic.Int64
	once  sync.Once
	empty chan struct{}
}

// NewGate returns an open gate.
func NewGate() *Gate { return &Gate{empty: make(chan struct{})} }

// Enter reports whether the gate was open. Whoever got in must Leave.
func (g *Gate) Enter() bool {
	if g.state.Add(1)&closedBit == 0 {
		return true
	}
	g.Leave()
	return false
}

// Leave ends what Enter began.
func (g *Gate) Leave() {
	if g.state.Add(-1) == closedBit {
		g.once.Do(func() { close(g.empty) })
	}
}

// Close lets nobody in any more. It may be called any number of times.
func (g *Gate) Close() {
	if g.state.Or(closedBit) == 0 {
		g.once.Do(func() { close(g.empty) })
	}
}

// Inside is how many are inside now.
func (g *Gate) Inside() int { return int(g.state.Load() &^ closedBit) }

// Empty is closed once the gate is closed and everybody has left.
func (g *Gate) Empty() <-chan struct{} { return g.empty }
