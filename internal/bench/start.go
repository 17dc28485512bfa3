package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
)

const (
	coldWorkers     = 8
	coldStartTarget = 1.25
	acceptTarget    = 100
	spawnTarget     = 40
)

// practice starts a practice LM and returns the configuration that uses it.
func practice() (*dspooltest.PracticeLM, dspool.LM, error) {
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Start(); err != nil {
		return nil, dspool.LM{}, fmt.Errorf("bench: %w", err)
	}
	return lm, dspool.LM{Model: "openai/practice", APIBase: lm.URL(), APIKey: "practice"}, nil
}

// prediction returns a request that every worker can serve.
func prediction(n int) (dspool.Request, error) {
	spec, err := dspool.NewPredict("question: str -> answer: str", "Answer in one sentence.")
	if err != nil {
		return dspool.Request{}, err
	}
	return dspool.Request{Program: spec, Input: fmt.Appendf(nil, `{"question":"What is %d+%d?"}`, n, n)}, nil
}

// coldStart compares the time from New to the first prediction with what
// merely importing dspy takes.
func (b *bencher) coldStart(ctx context.Context) (figures []Figure, err error) {
	lm, model, err := practice()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lm.Close()) }()
	var imports, answers, ratios []float64
	for range b.times(3) {
		floor, err := b.importDSPy(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := b.firstAnswer(ctx, model)
		if err != nil {
			return nil, err
		}
		imports, answers = append(imports, millis(floor)), append(answers, millis(answer))
		ratios = append(ratios, float64(answer)/float64(floor))
	}
	return []Figure{{
		Name: "cold_start_ratio", Value: median(ratios), Unit: "ratio", Target: coldStartTarget,
		Compared: `wall time of python -c "import dspy"; 8 workers`,
		Raw:      map[string]float64{"first_answer_ms": median(answers), "import_ms": median(imports)},
	}}, nil
}

func (b *bencher) importDSPy(ctx context.Context) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, b.python, "-c", "import dspy")
	cmd.Env = append(cmd.Environ(), "LITELLM_LOCAL_MODEL_COST_MAP=True")
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("import dspy: %w: %s", err, out)
	}
	return time.Since(began), nil
}

func (b *bencher) firstAnswer(ctx context.Context, lm dspool.LM) (time.Duration, error) {
	request, err := prediction(1)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	pool, err := dspool.New(dspool.Config{Python: b.python, Workers: coldWorkers, LM: lm})
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	if err := pool.Start(ctx); err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	_, err = pool.Call(ctx, request)
	took := time.Since(began)
	return took, errors.Join(err, stop(pool))
}

// accept measures how long it takes until a call is taken in: New, Start and
// the moment in which the call stands in the queue.
func (b *bencher) accept(ctx context.Context) ([]Figure, error) {
	var taken sample
	for range b.times(3) {
		took, err := b.acceptOnce(ctx)
		if err != nil {
			return nil, err
		}
		taken = append(taken, took)
	}
	return []Figure{{
		Name: "accept_ms", Value: millis(taken.quantile(1)), Unit: "ms", Target: acceptTarget,
		Compared: "nothing: New + Start until a call is queued, cold",
		Raw:      map[string]float64{"p50_ms": millis(taken.quantile(0.5))},
	}}, nil
}

func (b *bencher) acceptOnce(ctx context.Context) (time.Duration, error) {
	request, err := b.functionRequest("echo", `{"text":"x"}`)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	pool, err := dspool.New(dspool.Config{Python: b.python, Path: []string{b.code}})
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	if err := pool.Start(ctx); err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := pool.Call(ctx, request)
		answered <- err
	}()
	for pool.Status().Queue.Length == 0 && len(answered) == 0 {
		time.Sleep(50 * time.Microsecond) //nolint:forbidigo // a measurement must not spin on a shared processor
	}
	took := time.Since(began)
	return took, errors.Join(<-answered, stop(pool))
}

func (b *bencher) functionRequest(name, input string) (dspool.Request, error) {
	spec, err := dspool.NewFunc("bench_functions:" + name)
	if err != nil {
		return dspool.Request{}, err
	}
	return dspool.Request{Program: spec, Input: []byte(input)}, nil
}
