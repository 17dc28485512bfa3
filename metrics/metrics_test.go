package metrics_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/metrics"
	"github.com/dspool/dspool/numbers"
)

// startPool starts a pool of mock workers and waits until it serves.
func startPool(t *testing.T) *dspool.Pool {
	t.Helper()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(context.Background()) })
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return pool
}

func call(t *testing.T, pool *dspool.Pool, function, input string) error {
	t.Helper()
	spec, err := dspool.NewFunc("mock:" + function)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: spec, Input: []byte(input)})
	return err
}

// gathered returns what a scrape finds, by name.
func gathered(t *testing.T, reg *prometheus.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	list, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*dto.MetricFamily{}
	for _, f := range list {
		found[f.GetName()] = f
	}
	return found
}

// value returns the value of a metric with one label, or none.
func value(f *dto.MetricFamily, label string) float64 {
	for _, m := range f.GetMetric() {
		if label != "" && m.GetLabel()[0].GetValue() != label {
			continue
		}
		return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return -1
}

// CHK-38, CHK-43
func TestAScrapeFindsExactNumbers(t *testing.T) {
	t.Parallel()
	pool := startPool(t)
	reg := prometheus.NewPedanticRegistry()
	if err := metrics.Register(reg, pool); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := call(t, pool, "echo", `{"text":"x"}`); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for range 3 {
		if err := call(t, pool, "fail", `{"code":"program_error","message":"no"}`); err == nil {
			t.Error("fail succeeded")
		}
	}
	found := gathered(t, reg)
	for _, want := range []struct {
		name, label string
		value       float64
	}{
		{"dspool_calls_accepted_total", "", 43},
		{"dspool_calls_ended_total", "ok", 40},
		{"dspool_calls_ended_total", "program_error", 3},
		{"dspool_calls_ended_total", "queue_full", 0},
		{"dspool_call_duration_seconds", "", 43},
		{"dspool_call_run_seconds", "", 40},
		{"dspool_verdicts_total", "keep", 3},
		{"dspool_pool_phase", "serving", 1},
		{"dspool_pool_phase", "down", 0},
		{"dspool_workers_wanted", "", 1},
		{"dspool_workers", "ready", 1},
		{"dspool_worker_start_seconds", "", 1},
		{"dspool_queue_limit_calls", "", dspool.QueueSizeDefault},
	} {
		if got := value(found[want.name], want.label); got != want.value {
			t.Errorf("%s{%s} is %v, want %v", want.name, want.label, got, want.value)
		}
	}
	buckets := found["dspool_call_duration_seconds"].GetMetric()[0].GetHistogram().GetBucket()
	if last := buckets[len(buckets)-1]; last.GetCumulativeCount() != 43 || last.GetUpperBound() < 120 {
		t.Errorf("last bucket %v", last)
	}
}

func TestNamesFollowTheRulesOfPrometheus(t *testing.T) {
	t.Parallel()
	problems, err := testutil.CollectAndLint(metrics.NewCollector(numbers.Pool(startPool(t))))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAScrapeHasEveryFamilyOfTheTable(t *testing.T) {
	t.Parallel()
	pool := startPool(t)
	reg := prometheus.NewRegistry()
	if err := metrics.Register(reg, pool); err != nil {
		t.Fatal(err)
	}
	found := gathered(t, reg)
	for _, f := range numbers.Pool(pool).Families() {
		got := found[f.Prometheus()]
		if got == nil && (f.Name == "dspool.conditions" || strings.HasPrefix(f.Name, "dspool.lm.")) { // there are none
			continue
		}
		if want := strings.ToUpper(string(f.Type)); got.GetType().String() != want || got.GetHelp() != f.Help {
			t.Errorf("%s is a %v (%q), want %s", f.Prometheus(), got.GetType(), got.GetHelp(), want)
		}
	}
}

// Circuits have the names that users give them, also when these are no text.
func TestAnyNameCanBeScraped(t *testing.T) {
	t.Parallel()
	circuits, err := dspool.NewCircuits(dspool.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	circuits.Circuit("lm\xff").Trip(time.Hour)
	collector := metrics.NewCollector(numbers.Circuits(circuits))
	if problems, err := testutil.CollectAndLint(collector); err != nil || len(problems) != 0 {
		t.Errorf("%v, error %v", problems, err)
	}
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(collector); err != nil {
		t.Fatal(err)
	}
	opened := gathered(t, reg)["dspool_circuit_opened_total"].GetMetric()
	if len(opened) != 1 || opened[0].GetLabel()[0].GetValue() != "lm\ufffd" || opened[0].GetCounter().GetValue() != 1 {
		t.Errorf("%v", opened)
	}
}

func TestAPoolIsRegisteredOnceOrByLabel(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	for _, name := range []string{"a", "b"} {
		labelled := prometheus.WrapRegistererWith(prometheus.Labels{"pool": name}, reg)
		if err := metrics.Register(labelled, pool); err != nil {
			t.Errorf("pool %s: %v", name, err)
		}
		if err := metrics.Register(labelled, pool); err == nil {
			t.Errorf("pool %s was registered twice", name)
		}
	}
	if n, err := testutil.GatherAndCount(reg, "dspool_workers_wanted"); err != nil || n != 2 {
		t.Errorf("%d pools in one registry, error %v", n, err)
	}
}
