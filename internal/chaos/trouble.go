package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
)

// trouble is what is done to a pool meanwhile.
type trouble struct {
	pool   *dspool.Pool
	faults dspooltest.Faults
	ctx    context.Context //nolint:containedctx // ends the trouble
	end    context.CancelFunc
	makers sync.WaitGroup

	kills, freezes, forkKills, swaps, failedSwaps atomic.Int64
}

func startTrouble(ctx context.Context, pool *dspool.Pool, c Config) *trouble {
	t := &trouble{pool: pool, faults: dspooltest.NewFaults(pool)}
	t.ctx, t.end = context.WithCancel(ctx)
	t.every(c.KillEvery, t.kill)
	t.every(c.FreezeEvery, t.freeze)
	t.every(c.KillForkServerEvery, t.killForkServer)
	t.every(c.SwapEvery, t.swap)
	return t
}

func (t *trouble) every(d time.Duration, do func()) {
	if d <= 0 {
		return
	}
	t.makers.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				do()
			case <-t.ctx.Done():
				return
			}
		}
	})
}

// stop ends the trouble, and a swap under way with it.
func (t *trouble) stop() {
	t.end()
	t.makers.Wait()
}

// any returns the id of some worker that serves.
func (t *trouble) any() (string, bool) {
	var ids []string
	for _, w := range t.pool.Status().Workers {
		if w.State == dspool.WorkerStateReady || w.State == dspool.WorkerStateBusy {
			ids = append(ids, w.ID)
		}
	}
	if len(ids) == 0 {
		return "", false
	}
	return ids[rand.IntN(len(ids))], true //nolint:gosec // chance, not a secret
}

func (t *trouble) kill() {
	if id, found := t.any(); found {
		if _, err := t.faults.Kill(id); err == nil {
			t.kills.Add(1)
		}
	}
}

func (t *trouble) freeze() {
	if id, found := t.any(); found {
		if _, err := t.faults.Suspend(id); err == nil {
			t.freezes.Add(1)
		}
	}
}

func (t *trouble) killForkServer() {
	if _, err := t.faults.KillForkServer(); err == nil {
		t.forkKills.Add(1)
	}
}

func (t *trouble) swap() {
	switch err := t.pool.Swap(t.ctx, dspool.Change{}); {
	case err == nil:
		t.swaps.Add(1)
	case t.ctx.Err() == nil:
		t.failedSwaps.Add(1)
	}
}

func (t *trouble) count(d *Details) {
	d.Kills, d.Freezes, d.ForkKill = t.kills.Load(), t.freezes.Load(), t.forkKills.Load()
	d.Swaps, d.FailedSwaps = t.swaps.Load(), t.failedSwaps.Load()
}
