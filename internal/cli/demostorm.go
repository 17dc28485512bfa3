package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

// A storm is many calls at once, during which a worker is killed.
type storm struct {
	size     int
	answered int
	moved    int // answered by the second worker that had them
	times    []time.Duration
	took     time.Duration
	victim   dspool.WorkerStatus
	recovery time.Duration
}

// recoveryLimit is how long the demonstration waits for a replacement.
const recoveryLimit = 15 * time.Second

// storm runs the calls. They are declared idempotent, so that those which the
// killed worker had begun are run again.
func (d *demo) storm(ctx context.Context) (*storm, error) {
	d.heading(fmt.Sprintf("%d predictions at once", d.size), "and a worker is killed with SIGKILL in the middle")
	spec, err := dspool.NewPredict("question: str -> answer: int", "Work it out.", dspool.Idempotent())
	if err != nil {
		return nil, err
	}
	s := &storm{size: d.size}
	watch := watchReplacement(ctx, d.pool)
	defer watch.end()
	began := time.Now()
	s.gather(ctx, d, d.launch(ctx, spec))
	s.took = time.Since(began)
	if err := ctx.Err(); err != nil {
		return nil, fault.From(err)
	}
	d.report(s, watch)
	return s, nil
}

// outcome is the end of one call of a storm.
type outcome struct {
	number   int
	answer   string
	attempts int
	took     time.Duration
	err      error
}

// launch starts all calls and returns their ends as they come. The channel is
// closed when the last one has ended.
func (d *demo) launch(ctx context.Context, spec *dspool.Spec) <-chan outcome {
	ends := make(chan outcome)
	var calls sync.WaitGroup
	for i := range d.size {
		calls.Go(func() { ends <- d.one(ctx, spec, i) })
	}
	go func() { // ends with the calls
		calls.Wait()
		close(ends)
	}()
	return ends
}

func (d *demo) one(ctx context.Context, spec *dspool.Spec, i int) outcome {
	began := time.Now()
	input := fmt.Sprintf(`{"question": "What is %d + 17?"}`, i)
	resp, err := d.pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage(input)})
	end := outcome{number: i, attempts: resp.Attempts, took: time.Since(began), err: err}
	var out struct{ Answer json.Number }
	if err == nil && json.Unmarshal(resp.Output, &out) == nil {
		end.answer = out.Answer.String()
	}
	return end
}

// gather counts the ends, and kills a worker when a quarter has come.
func (s *storm) gather(ctx context.Context, d *demo, ends <-chan outcome) {
	for end := range ends {
		if ctx.Err() != nil {
			continue // interrupted: what fails now is no trouble
		}
		s.times = append(s.times, end.took)
		switch want := strconv.Itoa(end.number + 17); {
		case end.err != nil:
			d.trouble("call %d: %v", end.number, end.err)
			continue
		case d.lang.practice != nil && end.answer != want:
			d.trouble("%d + 17 is %s, not %s", end.number, want, end.answer)
		}
		s.answered++
		if end.attempts > 1 {
			s.moved++
		}
		if s.victim.PID == 0 && len(s.times) >= s.size/4 {
			s.kill(d)
		}
	}
}

// kill ends the worker that has the most to do.
func (s *storm) kill(d *demo) {
	var err error
	if s.victim, err = dspooltest.NewFaults(d.pool).Kill(""); err != nil {
		d.trouble("worker %s could not be killed: %v", s.victim.ID, err)
	}
}

// report prints what the storm did.
func (d *demo) report(s *storm, watch *replacementWatch) {
	d.line("killed", fmt.Sprintf("worker %s (pid %d) with %d calls in flight", s.victim.ID, s.victim.PID, s.victim.InFlight))
	d.line("answered", fmt.Sprintf("%d of %d, %d of them by another worker", s.answered, s.size, s.moved))
	limit := time.NewTimer(recoveryLimit)
	defer limit.Stop()
	select {
	case s.recovery = <-watch.took:
		d.line("recovered", "full strength again after "+seconds(s.recovery))
	case <-limit.C:
		d.trouble("the killed worker was not replaced within %s", recoveryLimit)
	}
}

// A replacementWatch waits for the pool to be at full strength again after its
// next loss.
type replacementWatch struct {
	took   chan time.Duration
	cancel context.CancelFunc
	done   chan struct{}
}

func watchReplacement(ctx context.Context, pool *dspool.Pool) *replacementWatch {
	ctx, cancel := context.WithCancel(ctx)
	w := &replacementWatch{took: make(chan time.Duration, 1), cancel: cancel, done: make(chan struct{})}
	events := pool.EventsOf(ctx, dspool.WorkerReplaced) // subscribed from here on
	go func() {
		defer close(w.done)
		for ev := range events {
			w.took <- ev.Took
			return
		}
	}()
	return w
}

// end stops watching.
func (w *replacementWatch) end() {
	w.cancel()
	<-w.done
}

// quantile is the time below which q of a hundred calls ended.
func (s *storm) quantile(q int) time.Duration {
	if len(s.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.times))
	return sorted[min(len(sorted)-1, len(sorted)*q/100)]
}
