package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/process"
)

// A rival makes predictions, in rounds: every one asks the same language model
// the same kind of question with as many callers.
type rival struct {
	name string
	// round lets the callers ask for so long and returns predictions a second.
	round func(ctx context.Context, during time.Duration) (float64, error)
	stop  func() error
	rates []float64
}

// takeTurns lets the rivals make their rounds one after the other, after one
// round each that does not count.
func takeTurns(ctx context.Context, rivals []*rival, rounds int, during time.Duration) error {
	for round := range rounds + 1 {
		for _, r := range rivals {
			rate, err := r.round(ctx, during)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if round > 0 {
				r.rates = append(r.rates, rate)
			}
		}
	}
	return nil
}

func stopAll(rivals []*rival) (err error) {
	for _, r := range rivals {
		err = errors.Join(err, r.stop())
	}
	return err
}

// questions returns a caller that asks another sum each time and checks the
// answer.
func questions(ask func(ctx context.Context, input []byte) ([]byte, error)) caller {
	var asked atomic.Int64
	return func(ctx context.Context) error {
		n := asked.Add(1)
		output, err := ask(ctx, fmt.Appendf(nil, `{"question":"What is %d+%d?"}`, n, n))
		if err != nil {
			return err
		}
		var found struct{ Answer string }
		if err := json.Unmarshal(output, &found); err != nil || found.Answer != strconv.FormatInt(2*n, 10) {
			return fmt.Errorf("%d+%d was answered with %s", n, n, output)
		}
		return nil
	}
}

// ourselves is the pool, with what its workers have used of the processor.
type ourselves struct {
	rival
	pool        *dspool.Pool
	cpu         time.Duration // of all workers, in all rounds
	predictions float64
	unknown     bool // the system does not tell
}

// ourselves starts a pool of which a prediction can be asked.
func (b *bencher) ourselves(ctx context.Context, base string) (*ourselves, error) {
	model := dspool.LM{Model: "openai/practice", APIBase: base, APIKey: "practice"}
	pool, err := b.pool(ctx, dspool.Config{
		Workers: predictWorkers, LM: model, LMs: map[string]dspool.LM{"quick": withOptions(model, "latency="+askLatency.String())},
	})
	if err != nil {
		return nil, err
	}
	if err := serving(ctx, pool, predictWorkers); err != nil {
		return nil, errors.Join(err, stop(pool))
	}
	spec, err := dspool.NewPredict("question: str -> answer: str", "Answer in one sentence.")
	if err != nil {
		return nil, errors.Join(err, stop(pool))
	}
	o := &ourselves{pool: pool}
	call := questions(func(ctx context.Context, input []byte) ([]byte, error) {
		resp, err := pool.Call(ctx, dspool.Request{Program: spec, Input: input})
		return resp.Output, err
	})
	o.rival = rival{name: "dspool", stop: func() error { return stop(pool) }}
	o.round = func(ctx context.Context, during time.Duration) (float64, error) { return o.measured(ctx, during, call) }
	return o, nil
}

// measured makes one round and adds up what it took.
func (o *ourselves) measured(ctx context.Context, during time.Duration, call caller) (float64, error) {
	before, began := o.used(), time.Now()
	rate, err := throughput(ctx, predictCallers, during, call)
	if err != nil {
		return 0, err
	}
	o.cpu += o.used() - before
	o.predictions += rate * time.Since(began).Seconds()
	return rate, nil
}

// used is the processor time of the pool's workers so far.
func (o *ourselves) used() (total time.Duration) {
	for _, w := range o.pool.Status().Workers {
		vitals, ok := process.VitalsOf(w.PID)
		if !ok {
			o.unknown = true
		}
		total += vitals.CPU
	}
	return total
}
