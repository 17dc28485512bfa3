package history

import (
	"context"
	"sync"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/lifecycle"
)

// The windows that are kept, and the steps of their samples.
const (
	ShortWindow  = 5 * time.Minute
	ShortStep    = time.Second
	MiddleWindow = 15 * time.Minute
	MiddleStep   = 5 * time.Second
	LongWindow   = time.Hour
	LongStep     = 20 * time.Second
)

// WaitTargetDefault is the default of Config.WaitTarget.
const WaitTargetDefault = 100 * time.Millisecond

// A Source has the numbers: a [dspool.Pool] or a [dspool.Single].
type Source interface {
	// Stats returns the numbers of this moment and does not block.
	Stats() dspool.Stats
}

// Config says what counts as healthy. The zero value works.
type Config struct {
	// WaitTarget is how long 99 of 100 calls may wait for their code to begin
	// without harm to the health score. Defaults to 100 ms.
	WaitTarget time.Duration
}

// A Recorder keeps the history of a pool. It is safe for concurrent use; what it
// keeps can be read in every phase, also after Stop.
type Recorder struct {
	source Source
	target time.Duration
	cycle  lifecycle.Cycle
	cancel context.CancelFunc
	ended  chan struct{} // closed when the goroutine has ended

	mu    sync.Mutex
	rings []*ring // the finest first
}

// New checks the configuration and allocates a Recorder. It starts nothing.
func New(source Source, config Config) (*Recorder, error) {
	switch {
	case source == nil:
		return nil, fault.New(fault.InvalidArgument, "history.New: there is no source: give it a pool")
	case config.WaitTarget < 0:
		return nil, fault.Newf(fault.InvalidArgument, "Config.WaitTarget: must be positive, got %s", config.WaitTarget)
	case config.WaitTarget == 0:
		config.WaitTarget = WaitTargetDefault
	}
	return &Recorder{
		source: source, target: config.WaitTarget, ended: make(chan struct{}),
		rings: []*ring{newRing(ShortStep, ShortWindow), newRing(MiddleStep, MiddleWindow), newRing(LongStep, LongWindow)},
	}, nil
}

// Start begins to record. The pool need not have been started. A second Start
// does nothing; the end of ctx after Start has returned does not matter.
func (r *Recorder) Start(ctx context.Context) error {
	return r.cycle.Start(func() error {
		running, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r.cancel = cancel
		go r.run(running)
		return nil
	})
}

// Stop ends the recording and waits for that, which takes no time. It may be
// called any number of times, and before Start.
func (r *Recorder) Stop(ctx context.Context) error {
	return r.cycle.Stop(ctx, func(_ context.Context, began bool) error {
		if began {
			r.cancel()
			<-r.ended
		}
		return nil
	})
}

// run takes a reading a second.
func (r *Recorder) run(ctx context.Context) {
	defer close(r.ended)
	tick := time.NewTicker(ShortStep)
	defer tick.Stop()
	before, since := r.source.Stats(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, at := r.source.Stats(), time.Now()
		r.keep(between(&before, &now, at, at.Sub(since)))
		before, since = now, at
	}
}

func (r *Recorder) keep(s span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ring := range r.rings {
		ring.add(s, r.target)
	}
}

// A View is the history of one window.
type View struct {
	// Window is how far it reaches back, Step the width of its samples.
	Window time.Duration `json:"window"`
	Step   time.Duration `json:"step"`
	// Samples are in order of time. There are fewer than Window/Step while the
	// Recorder is young.
	Samples []Sample `json:"samples"`
}

// View returns the last window in the finest steps that reach that far back:
// 1 s up to five minutes, 5 s up to fifteen, 20 s beyond, at most an hour. It
// copies at most 300 samples.
func (r *Recorder) View(window time.Duration) View {
	window = min(max(window, ShortStep), LongWindow)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ring := range r.rings {
		if window <= ring.step*time.Duration(len(ring.samples)) {
			samples := ring.since(time.Now().Add(-window))
			return View{Window: window, Step: ring.step, Samples: append([]Sample{}, samples...)}
		}
	}
	return View{Window: window}
}

// Last returns the latest sample of one second; ok is false in the first second.
func (r *Recorder) Last() (last Sample, ok bool) {
	v := r.View(10 * ShortStep)
	if len(v.Samples) == 0 {
		return Sample{}, false
	}
	return v.Samples[len(v.Samples)-1], true
}
