package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dspool/dspool"
)

// The shape of the echo measurements, as the project promises them.
const (
	echoBytesSmall = 64
	echoBytesBig   = 1 << 20
	echoWorkers    = 2
	echoCallers    = 64

	// Many short rounds: both sides of a ratio then see the same machine, and
	// the median ratio does not depend on where the scheduler put whom.
	throughputRounds = 10
	latencyRounds    = 25

	echoThroughputTarget = 0.8
	echoLatencyTarget    = 1.6
	bigLatencyTarget     = 1.5
)

// A pair is two pools that differ only in what is behind them: Python workers,
// and the floor's processes.
type pair struct {
	python, floor *dspool.Pool
	spec          *dspool.Spec
}

func (b *bencher) pair(ctx context.Context, workers int) (*pair, error) {
	spec, err := dspool.NewFunc("bench_functions:echo")
	if err != nil {
		return nil, err
	}
	p := &pair{spec: spec}
	if p.python, err = b.pool(ctx, dspool.Config{Workers: workers}); err != nil {
		return nil, err
	}
	if p.floor, err = b.pool(ctx, dspool.Config{Workers: workers, Command: []string{b.Binary, FloorCommand}}); err != nil {
		return nil, errors.Join(err, stop(p.python))
	}
	for _, pool := range []*dspool.Pool{p.python, p.floor} {
		if err := serving(ctx, pool, workers); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	return p, nil
}

func (p *pair) stop() error { return errors.Join(stop(p.python), stop(p.floor)) }

// echo makes one call through a pool and checks the answer's length.
func (p *pair) echo(pool *dspool.Pool, input, want json.RawMessage) caller {
	request := dspool.Request{Program: p.spec, Input: input}
	return func(ctx context.Context) error {
		response, err := pool.Call(ctx, request)
		if err != nil {
			return fmt.Errorf("echo: %w", err)
		}
		if len(response.Output) != len(want) {
			return fmt.Errorf("echo: %d bytes came back, want %d", len(response.Output), len(want))
		}
		return nil
	}
}

// ours gives the text back, theirs the whole input.
func (p *pair) ours(input, output json.RawMessage) caller { return p.echo(p.python, input, output) }
func (p *pair) theirs(input json.RawMessage) caller       { return p.echo(p.floor, input, input) }

// echoInput returns an input whose text is n bytes long, and the answer to it.
func echoInput(n int) (input, output json.RawMessage) {
	output = json.RawMessage(`"` + strings.Repeat("x", n) + `"`)
	return json.RawMessage(`{"text":` + string(output) + `}`), output
}

// echo measures throughput with many callers and latency with one.
func (b *bencher) echo(ctx context.Context) (figures []Figure, err error) {
	p, err := b.pair(ctx, echoWorkers)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	many, err := b.echoThroughput(ctx, p)
	if err != nil {
		return nil, err
	}
	one, err := b.echoLatency(ctx, p, echoLatency{
		name: "echo_p50_ratio", bytes: echoBytesSmall, calls: b.times(400), target: echoLatencyTarget,
	})
	return []Figure{many, one}, err
}

// bigEcho measures the latency of large values with one caller.
func (b *bencher) bigEcho(ctx context.Context) (figures []Figure, err error) {
	p, err := b.pair(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	big, err := b.echoLatency(ctx, p, echoLatency{
		name: "big_p50_ratio", bytes: echoBytesBig, calls: b.times(12), target: bigLatencyTarget,
	})
	return []Figure{big}, err
}

func (b *bencher) echoThroughput(ctx context.Context, p *pair) (Figure, error) {
	input, output := echoInput(echoBytesSmall)
	var ours, theirs, ratios []float64
	for range throughputRounds {
		mine, err := throughput(ctx, echoCallers, b.during(300*time.Millisecond), p.ours(input, output))
		if err != nil {
			return Figure{}, err
		}
		floor, err := throughput(ctx, echoCallers, b.during(300*time.Millisecond), p.theirs(input))
		if err != nil {
			return Figure{}, err
		}
		ours, theirs, ratios = append(ours, mine), append(theirs, floor), append(ratios, mine/floor)
	}
	return Figure{
		Name: "echo_throughput_ratio", Value: median(ratios), Unit: "ratio", Target: echoThroughputTarget, AtLeast: true,
		Compared: "bare byte echo, same client, 2 processes, 64 callers",
		Raw:      map[string]float64{"calls_per_s": median(ours), "floor_calls_per_s": median(theirs)},
	}, nil
}

// An echoLatency is one latency comparison.
type echoLatency struct {
	name   string
	bytes  int
	calls  int // per round
	target float64
}

func (b *bencher) echoLatency(ctx context.Context, p *pair, l echoLatency) (Figure, error) {
	input, output := echoInput(l.bytes)
	ours, theirs := p.ours(input, output), p.theirs(input)
	var mine, floor, ratios []float64
	for range latencyRounds {
		a, err := latency(ctx, l.calls, ours)
		if err != nil {
			return Figure{}, err
		}
		z, err := latency(ctx, l.calls, theirs)
		if err != nil {
			return Figure{}, err
		}
		m, f := micros(a.quantile(0.5)), micros(z.quantile(0.5))
		mine, floor, ratios = append(mine, m), append(floor, f), append(ratios, m/f)
	}
	return Figure{
		Name: l.name, Value: median(ratios), Unit: "ratio", Target: l.target,
		Compared: fmt.Sprintf("bare byte echo, same client, %d bytes, 1 caller", l.bytes),
		Raw:      map[string]float64{"p50_us": median(mine), "floor_p50_us": median(floor)},
	}, nil
}
