package dspooltest

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"sync"
)

// PracticeStats counts what a [PracticeLM] has served.
type PracticeStats struct {
	// Requests is how many chat requests came, answered or not.
	Requests int64 `json:"requests"`
	// InFlight is how many are being served, MaxInFlight the most at once.
	InFlight    int64 `json:"in_flight"`
	MaxInFlight int64 `json:"max_in_flight"`
	// Streams is how many asked for a stream.
	Streams int64 `json:"streams"`
	// Abandoned is how many clients left before their answer.
	Abandoned int64 `json:"abandoned"`
	// ByStatus counts answers by HTTP status. A cut connection has none.
	ByStatus map[string]int64 `json:"by_status"`
	// ByKey counts requests by [KeyHash], "" for requests without a key.
	ByKey map[string]int64 `json:"by_key"`
	// ByModel counts requests by the model's name without options.
	ByModel map[string]int64 `json:"by_model"`
}

// Stats returns the counts so far. The maps are the caller's own.
func (p *PracticeLM) Stats() PracticeStats { return p.counts.snapshot() }

// WaitInFlight returns once n requests are being served at the same time, or
// with the context's error.
func (p *PracticeLM) WaitInFlight(ctx context.Context, n int) error {
	return p.counts.wait(ctx, func(s *PracticeStats) bool { return s.InFlight >= int64(n) })
}

// WaitRequests returns once n requests have come, or with the context's error.
func (p *PracticeLM) WaitRequests(ctx context.Context, n int) error {
	return p.counts.wait(ctx, func(s *PracticeStats) bool { return s.Requests >= int64(n) })
}

// WaitAbandoned returns once n clients have left before the end of their
// answer, or with the context's error.
func (p *PracticeLM) WaitAbandoned(ctx context.Context, n int) error {
	return p.counts.wait(ctx, func(s *PracticeStats) bool { return s.Abandoned >= int64(n) })
}

func (p *PracticeLM) serveStats(w http.ResponseWriter, _ *http.Request) {
	b, err := json.Marshal(p.Stats())
	if err != nil {
		writeError(w, http.StatusInternalServerError, "server_error", "", err.Error())
		return
	}
	writeBody(w, b)
}

// counts is the one place where a PracticeLM counts.
type counts struct {
	mu      *sync.Mutex
	stats   PracticeStats
	drawn   int64         // numbers given to error rates
	changed chan struct{} // closed at the next change; nil while nobody waits
}

func newCounts() counts {
	return counts{mu: new(sync.Mutex), stats: PracticeStats{
		ByStatus: map[string]int64{}, ByKey: map[string]int64{}, ByModel: map[string]int64{},
	}}
}

// begin counts a request and returns the function that ends it.
func (c *counts) begin() func() {
	c.change(func(s *PracticeStats) {
		s.Requests++
		s.InFlight++
		s.MaxInFlight = max(s.MaxInFlight, s.InFlight)
	})
	return func() { c.change(func(s *PracticeStats) { s.InFlight-- }) }
}

func (c *counts) change(by func(*PracticeStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by(&c.stats)
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// add counts an answered request. Status 0 is one without an answer.
func (c *counts) add(r PracticeRequest, status int) {
	c.change(func(s *PracticeStats) {
		s.ByKey[r.Key]++
		s.ByModel[r.Model]++
		if r.Stream {
			s.Streams++
		}
		if status != 0 {
			s.ByStatus[strconv.Itoa(status)]++
		}
	})
}

func (c *counts) abandoned() { c.change(func(s *PracticeStats) { s.Abandoned++ }) }

func (c *counts) number() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats.Requests
}

// share returns the next number of a sequence that fills the range from 0 to
// 1 evenly, so that an error rate of a tenth is met within every ten requests.
func (c *counts) share() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	const golden = 0.6180339887498949
	x := float64(c.drawn) * golden
	c.drawn++
	return x - float64(int64(x))
}

func (c *counts) snapshot() PracticeStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.ByStatus, s.ByKey, s.ByModel = maps.Clone(s.ByStatus), maps.Clone(s.ByKey), maps.Clone(s.ByModel)
	return s
}

func (c *counts) wait(ctx context.Context, until func(*PracticeStats) bool) error {
	for {
		c.mu.Lock()
		if until(&c.stats) {
			c.mu.Unlock()
			return nil
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// idle waits until nothing is in flight. Handlers end soon after their
// connections were closed.
func (c *counts) idle() {
	_ = c.wait(context.Background(), func(s *PracticeStats) bool { return s.InFlight == 0 })
}
