package supervise

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/worker"
)

func TestTheSizeFollowsResize(t *testing.T) {
	t.Parallel()
	h := newWatch()
	s := start(t, h.config(2), worker.NewForkServer(workers(t)))
	h.await(t, "full strength", h.full)
	busy := begin(t, s.Workers()[1], "heed", `{}`)
	stays := s.Workers()[1].ID()
	s.Resize(5)
	h.await(t, "five workers", func() bool { return h.full() && h.now().Up == 5 })
	s.Resize(1)
	h.await(t, "one worker", func() bool { return h.full() && h.now().Up == 1 && len(h.exits) == 4 })
	if all := s.Workers(); len(all) != 1 || all[0].ID() != stays {
		t.Errorf("workers %v, want the busy one, %s", all, stays)
	}
	for _, e := range h.exits {
		if !e.Expected() || e.Reason != "fewer workers are needed" {
			t.Errorf("exit %+v", e)
		}
	}
	s.Resize(-3)
	s.Resize(0)
	s.Workers()[0].Cancel(busy, "canceled")
	if c := s.Condition(); c.Size != 1 || c.Up != 1 {
		t.Errorf("condition %+v", c)
	}
}

func TestAWorkerThatIsTooManyFinishesItsCalls(t *testing.T) {
	t.Parallel()
	h := newWatch()
	s := start(t, h.config(3), worker.NewForkServer(workers(t)))
	h.await(t, "full strength", h.full)
	calls := make([]<-chan struct{}, 0, 3)
	for _, w := range s.Workers() {
		p := begin(t, w, "sleep", `{"ms":150}`)
		calls = append(calls, p.Done())
		defer func() {
			if o := p.Outcome(); o.Err != nil {
				t.Errorf("a call on a worker that was too many: %v", o.Err)
			}
		}()
	}
	s.Resize(1)
	for _, done := range calls {
		<-done
	}
	h.await(t, "one worker", func() bool { return h.now().Up == 1 && len(h.exits) == 2 })
}

func TestOrdersThatCameTooLateAreSentAway(t *testing.T) {
	t.Parallel()
	h := newWatch()
	s := start(t, h.config(1), worker.NewForkServer(workers(t)))
	h.await(t, "full strength", h.full)
	for range 20 {
		s.Resize(6)
		s.Resize(1)
	}
	h.await(t, "one worker", func() bool { return h.full() && h.now().Size == 1 && len(h.up)-len(h.leaving) == 1 })
}

// CHK-12, CHK-128: however fast the size changes while workers are killed, the
// number of workers ends where it should and is never above what was asked for.
func TestAStormOfSizes(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		cfg := h.config(2)
		seen := follow(&cfg)
		cfg.Pace = Pace{Failures: 1 << 20}
		s := start(t, cfg, open(workers(t)))
		h.await(t, "full strength", h.full)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for range 40 {
					s.Resize(1 + rand.IntN(6)) //nolint:gosec // a test
					if ws := s.Workers(); len(ws) > 0 {
						w := ws[rand.IntN(len(ws))] //nolint:gosec // a test
						if rand.IntN(2) == 0 {      //nolint:gosec // a test
							_ = syscall.Kill(w.PID(), syscall.SIGKILL)
						} else {
							s.Replace(w, "storm")
						}
					}
					<-time.After(2 * time.Millisecond)
				}
			})
		}
		all.Wait()
		s.Resize(4)
		h.await(t, "four workers and no more", func() bool {
			return h.full() && h.now().Size == 4 && len(h.up)-len(h.leaving) == 4
		})
		h.note(func() {
			if seen.most > 7 {
				t.Errorf("%d workers at once, at most 6 and one replacement were asked for", seen.most)
			}
		})
	})
}
