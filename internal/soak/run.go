package soak

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/chaos"
)

const (
	// samplesMin is how many samples there are at least.
	samplesMin = 100
	everyMax   = 2 * time.Second
	stopLimit  = time.Minute
)

// A Config says how long and how hard.
type Config struct {
	// Load says what is called, by how many callers, on how many workers, and
	// for how long: chaos.Config.During. What does harm is left out.
	Load chaos.Config
	// Progress hears of the counts each time a sample is taken.
	Progress func(chaos.Tally)
}

// A Report is how it went.
type Report struct {
	When    string  `json:"when"`
	Seconds float64 `json:"seconds"`
	WarmUp  float64 `json:"warm_up_s"`
	Every   float64 `json:"sample_every_s"`
	Workers int     `json:"workers"`
	Callers int     `json:"callers"`
	Calls   int64   `json:"calls"`
	OK      int64   `json:"ok"`
	PerS    float64 `json:"calls_per_s"`
	Trends  []Trend `json:"trends"`
}

// Problems says what grew and what was not answered, nil if nothing.
func (r Report) Problems() []string {
	var list []string
	for _, t := range r.Trends {
		if !t.Flat {
			list = append(list, fmt.Sprintf("%s grew by %s, and may by %s", t.Name, amount(t.Growth, t.Unit), amount(t.Limit, t.Unit)))
		}
	}
	if r.OK != r.Calls || r.Calls == 0 {
		list = append(list, fmt.Sprintf("%d of %d calls were answered rightly", r.OK, r.Calls))
	}
	return list
}

// Run keeps a pool at full load and samples it. The error means that it could
// not be done.
func Run(ctx context.Context, config Config) (r Report, err error) {
	config.Load = config.Load.WithDefaults()
	config.Load.KillEvery, config.Load.FreezeEvery, config.Load.SwapEvery, config.Load.KillForkServerEvery = 0, 0, 0, 0
	if err := config.Load.Validate(); err != nil {
		return r, err //nolint:wrapcheck // says it all
	}
	folder, err := os.MkdirTemp("", "dspool-soak-")
	if err != nil {
		return r, fmt.Errorf("soak: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	pool, err := chaos.Pool(ctx, config.Load, folder)
	if err != nil {
		return r, err //nolint:wrapcheck // says it all
	}
	if err := pool.Start(ctx); err != nil {
		return r, err //nolint:wrapcheck // says it all
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		err = errors.Join(err, pool.Stop(ending))
	}()
	if err := whole(ctx, pool); err != nil {
		return r, err
	}
	return soak(ctx, pool, config)
}

// whole waits for full strength.
func whole(ctx context.Context, pool *dspool.Pool) error {
	events := pool.EventsOf(ctx, dspool.WorkerReady)
	if err := pool.WaitReady(ctx); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if st := pool.Status(); st.Serving >= st.Want {
		return nil
	}
	for range events {
		if st := pool.Status(); st.Serving >= st.Want {
			return nil
		}
	}
	return fault.New(fault.Unavailable, "the pool ended before all workers were up")
}

func soak(ctx context.Context, pool *dspool.Pool, config Config) (Report, error) {
	program, err := chaos.Program(config.Load)
	if err != nil {
		return Report{}, err //nolint:wrapcheck // says it all
	}
	c := config.Load
	every := max(time.Millisecond, min(everyMax, c.During/samplesMin))
	began := time.Now()
	load := chaos.StartLoad(ctx, pool, program, c, "")
	s, err := watch(ctx, pool, load, config, every)
	load.End()
	if err != nil {
		return Report{}, err
	}
	took, counts := time.Since(began), load.Tally()
	r := Report{
		When: began.UTC().Format(time.RFC3339), Seconds: took.Seconds(), WarmUp: warmUp(c.During).Seconds(), Every: every.Seconds(),
		Workers: pool.Status().Want, Callers: c.Callers, Calls: counts.Calls, OK: counts.OK, PerS: float64(counts.Calls) / took.Seconds(),
	}
	for _, one := range s.all {
		r.Trends = append(r.Trends, judge(one.name, one.unit, one.values, int(warmUp(c.During)/every)))
	}
	return r, nil
}

// watch takes samples until the time is over.
func watch(ctx context.Context, pool *dspool.Pool, load *chaos.Load, config Config, every time.Duration) (*samples, error) {
	s := &samples{}
	began := time.Now()
	end, tick := time.NewTimer(config.Load.During), time.NewTicker(every)
	defer end.Stop()
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.take(pool.Status()); err != nil {
				return nil, err
			}
			if config.Progress != nil {
				t := load.Tally()
				t.At = time.Since(began)
				config.Progress(t)
			}
		case <-end.C:
			return s, nil
		case <-ctx.Done():
			return nil, fault.From(context.Cause(ctx))
		}
	}
}
