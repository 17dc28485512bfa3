package dspool_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// CHK-126
func TestEventsAreLoggedUnderTheirDottedNames(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	events := []dspool.PoolEvent{
		{Kind: dspool.PoolReady, At: at, Worker: "w1", Took: time.Second},
		{Kind: dspool.WorkerChanged, At: at, Worker: "w1", From: "ready", To: "busy"},
		{Kind: dspool.CallFinished, At: at, Call: 7, Program: "mod:f", Session: "s", Attempts: 2, Queue: 1, Run: 2, Took: 3},
		{Kind: dspool.CallFinished, At: at, Call: 8, Code: fault.QueueFull, Err: fault.New(fault.QueueFull, "full"), Reason: "full"},
		{Kind: dspool.WorkerCrashed, At: at, Worker: "w1", PID: 5, Dropped: 3},
		{Kind: "what_comes_later", At: at},
	}
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dspool.LogEvents(t.Context(), slices.Values(events), logger)
	want := []string{
		`{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"pool.init","kind":"pool_ready","worker":"w1","took":1000000000}`,
		`{"time":"2026-01-02T03:04:05Z","level":"DEBUG","msg":"pool.worker.transition","kind":"worker_changed","worker":"w1","from":"ready","to":"busy"}`,
		`{"time":"2026-01-02T03:04:05Z","level":"DEBUG","msg":"pool.operation.stop","kind":"call_finished","call":7,"program":"mod:f","session":"s","attempts":2,"took":3,"queue":1,"run":2}`,
		`{"time":"2026-01-02T03:04:05Z","level":"DEBUG","msg":"pool.operation.exception","kind":"call_finished","call":8,"code":"queue_full","error":"queue_full: full"}`,
		`{"time":"2026-01-02T03:04:05Z","level":"WARN","msg":"pool.worker.terminate","kind":"worker_crashed","worker":"w1","pid":5,"dropped":3}`,
		`{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"pool.what.comes.later","kind":"what_comes_later"}`,
	}
	if got := strings.Split(strings.TrimSpace(out.String()), "\n"); !slices.Equal(got, want) {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestALoggerThatIsNotInterestedGetsNoEvent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	dspool.LogEvents(t.Context(), slices.Values([]dspool.PoolEvent{{Kind: dspool.CallQueued}, {Kind: dspool.PoolReady}}), logger)
	if out.Len() > 0 {
		t.Errorf("logged %s", out.String())
	}
}

// CHK-126
func TestAPoolsLifeIsLogged(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ctx := testkit.Context(t, time.Minute)
	logged, events := make(chan struct{}), pool.Events(ctx)
	go func() {
		defer close(logged)
		dspool.LogEvents(ctx, events, slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}()
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Fatal(err)
	}
	stopPool(t, pool)
	<-logged
	var names []string
	for line := range strings.Lines(out.String()) {
		var entry struct{ Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		names = append(names, entry.Msg)
	}
	for _, name := range []string{
		"pool.init", "pool.worker.init", "pool.worker.transition", "pool.worker.checkout",
		"pool.operation.start", "pool.operation.stop", "pool.worker.terminate", "pool.terminate",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("%s was not logged: %v", name, names)
		}
	}
}
