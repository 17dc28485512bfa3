package dspool

import (
	"sync"
	"time"
)

// An alarm runs a function after a while, on a goroutine of its own that stop
// waits for. Nothing runs, and no goroutine exists, while it is not set.
type alarm struct {
	ring func()

	mu      sync.Mutex
	timer   *time.Timer
	at      time.Time // when it rings, zero if it is not set
	off     bool
	ringing sync.WaitGroup
}

// set makes the alarm ring after d, or earlier if it is set to that already.
func (a *alarm) set(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := time.Now().Add(d)
	if a.off || !a.at.IsZero() && !at.Before(a.at) {
		return
	}
	a.at = at
	if a.timer == nil {
		a.timer = time.AfterFunc(d, a.fire)
	} else {
		a.timer.Reset(d)
	}
}

func (a *alarm) fire() {
	a.mu.Lock()
	if a.off {
		a.mu.Unlock()
		return
	}
	a.ringing.Add(1)
	a.at = time.Time{}
	a.mu.Unlock()
	defer a.ringing.Done()
	a.ring()
}

// stop keeps the alarm from ringing again, and waits if it rings now.
func (a *alarm) stop() {
	a.mu.Lock()
	a.off = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.mu.Unlock()
	a.ringing.Wait()
}
