package dspool

import (
	"maps"
	"sync"
)

// A RestartReason says why a worker had to be replaced.
type RestartReason string

// The reasons. New ones may be added.
const (
	// ByCrash: its process ended unasked, or what it sent could not be
	// understood.
	ByCrash RestartReason = "crash"
	// ByUnresponsive: it did not react, to checks or to a cancelled call.
	ByUnresponsive RestartReason = "unresponsive"
	// ByNotReady: it lived, but the calls of checks did not come back, or
	// failed.
	ByNotReady RestartReason = "not_ready"
	// ByMemoryMax: it was killed because of Recycle.MemoryMax.
	ByMemoryMax RestartReason = "memory_max"
	// The limits of [Recycle].
	ByCalls  RestartReason = "calls"
	ByErrors RestartReason = "errors"
	ByAge    RestartReason = "age"
	ByIdle   RestartReason = "idle"
	ByMemory RestartReason = "memory"
)

// reasons counts restarts by their reason. The zero value is ready.
type reasons struct {
	mu     sync.Mutex
	counts map[RestartReason]int64
}

func (r *reasons) add(why RestartReason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[RestartReason]int64{}
	}
	r.counts[why]++
}

func (r *reasons) all() map[RestartReason]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.counts) == 0 {
		return map[RestartReason]int64{}
	}
	return maps.Clone(r.counts)
}
