package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dspool/dspool"
)

const (
	egressRounds = 10
	egressTarget = 0.5
	// askLatency is what the practice LM takes for a request of this
	// measurement: long enough that both sides sleep meanwhile.
	askLatency = 10 * time.Millisecond
)

// egressAdded compares a worker's request to a language model, which the host
// sends, with the same request sent by a plain client in Go: what the way from
// the worker's transport through the egress and back adds.
func (b *bencher) egressAdded(ctx context.Context, pool *dspool.Pool, base string) (Figure, error) {
	a, err := newAsking(base, b.times(20))
	if err != nil {
		return Figure{}, err
	}
	defer a.client.CloseIdleConnections()
	var through, direct, added []float64
	for round := range egressRounds + 1 {
		worker, err := a.byWorker(ctx, pool)
		if err != nil {
			return Figure{}, err
		}
		plain, err := a.byItself(ctx)
		if err != nil {
			return Figure{}, err
		}
		if round == 0 {
			continue // connections are made
		}
		through, direct, added = append(through, worker), append(direct, plain), append(added, worker-plain)
	}
	return Figure{
		Name: "egress_added_p50_ms", Value: median(added), Unit: "ms", Target: egressTarget,
		Compared: "the same request by a plain HTTP client in Go, 1 caller",
		Raw:      map[string]float64{"through_p50_ms": median(through), "direct_p50_ms": median(direct)},
	}, nil
}

// asking is one request to a language model that is made again and again.
type asking struct {
	client *http.Client
	spec   *dspool.Spec
	url    string
	body   string
	times  int
}

func newAsking(base string, times int) (*asking, error) {
	spec, err := dspool.NewModule("bench_asking:Asking", "")
	if err != nil {
		return nil, err
	}
	prompt := "Answer in one sentence.\n\n" + strings.Repeat("This is a sentence of a prompt. ", 30)
	body, err := json.Marshal(map[string]any{
		"model": "practice?latency=" + askLatency.String(), "messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	return &asking{
		client: &http.Client{Transport: &http.Transport{}}, spec: spec, url: base + "/chat/completions", body: string(body), times: times,
	}, err
}

// byWorker returns the median time of requests that a worker makes, in ms.
func (a *asking) byWorker(ctx context.Context, pool *dspool.Pool) (float64, error) {
	input, err := json.Marshal(map[string]any{"url": a.url, "body": a.body, "times": a.times})
	if err != nil {
		return 0, err
	}
	resp, err := pool.Call(ctx, dspool.Request{Program: a.spec, Input: input, LM: "quick"})
	if err != nil {
		return 0, fmt.Errorf("ask through a worker: %w", err)
	}
	var told struct {
		Took   []float64
		Status int
		Answer string
	}
	if err := json.Unmarshal(resp.Output, &told); err != nil {
		return 0, fmt.Errorf("ask through a worker: %w", err)
	}
	if len(told.Took) != a.times {
		return 0, fmt.Errorf("a worker made %d requests of %d", len(told.Took), a.times)
	}
	return median(told.Took), a.check(told.Status, []byte(told.Answer))
}

// byItself returns the median time of requests that this process makes, in ms.
func (a *asking) byItself(ctx context.Context) (float64, error) {
	taken, err := latency(ctx, a.times, func(ctx context.Context) error {
		answer, err := post(ctx, a.client, a.url, []byte(a.body))
		return errors.Join(err, a.check(http.StatusOK, answer))
	})
	if err != nil {
		return 0, fmt.Errorf("ask directly: %w", err)
	}
	return millis(taken.quantile(0.5)), nil
}

// check demands a completion.
func (a *asking) check(status int, answer []byte) error {
	var completion struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal(answer, &completion); err != nil || status != http.StatusOK || len(completion.Choices) != 1 || completion.Choices[0].Message.Content == "" {
		return fmt.Errorf("the language model answered with status %d: %.200s", status, answer)
	}
	return nil
}
