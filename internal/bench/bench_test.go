package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/process"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

func TestQuantileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	s := sample{5, 1, 4, 2, 3}
	for q, want := range map[float64]time.Duration{0: 1, 0.2: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := s.quantile(q); got != want {
			t.Errorf("quantile(%v) = %d, want %d", q, got, want)
		}
	}
	if (sample{}).quantile(0.5) != 0 {
		t.Error("the quantile of nothing is not 0")
	}
}

func TestMedianOfEvenAndOddCounts(t *testing.T) {
	t.Parallel()
	xs := []float64{3, 1, 2}
	if got := median(xs); got != 2 || xs[0] != 3 {
		t.Errorf("median = %v, input now %v", got, xs)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of four = %v, want 2.5", got)
	}
}

func TestTurnerMakesResultsOfCallsWhereverReadsEnd(t *testing.T) {
	t.Parallel()
	var stream []byte
	for id := range uint64(5) {
		stream = wire.Append(stream, wire.Frame{Type: wire.TypeCall, ID: id + 1, Meta: []byte(`{"p":"x"}`), Body: bytes.Repeat([]byte{2}, int(id)*7)})
	}
	for _, step := range []int{1, 3, 16, 17, len(stream)} {
		t.Run(strconv.Itoa(step), func(t *testing.T) {
			t.Parallel()
			turned := bytes.Clone(stream)
			var turn turner
			for piece := range slices.Chunk(turned, step) {
				if turn.over(piece) {
					t.Fatal("there was no DRAIN")
				}
			}
			frames := wire.NewDecoder(bytes.NewReader(turned), 0)
			for id := range uint64(5) {
				f, err := frames.Next()
				if err != nil || f.Type != wire.TypeResult || f.ID != id+1 || len(f.Body) != int(id)*7 || bytes.ContainsFunc(f.Body, func(r rune) bool { return r != 2 }) {
					t.Fatalf("frame %d: %v id %d with %d bytes, %v", id, f.Type, f.ID, len(f.Body), err)
				}
			}
		})
	}
}

func TestTurnerSeesTheDrain(t *testing.T) {
	t.Parallel()
	var turn turner
	if !turn.over(wire.Append(nil, wire.Frame{Type: wire.TypeDrain})) {
		t.Error("a DRAIN was not seen")
	}
}

func TestFloorSendsBytesBack(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	b := &bencher{Config: Config{Binary: binary}}
	pool, err := b.pool(ctx, dspool.Config{Workers: 2, Command: []string{binary, FloorCommand}})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := dspool.NewFunc("any:function")
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{floor: pool, spec: spec}
	for _, size := range []int{1, 64, 1 << 20} {
		body, _ := echoInput(size)
		if err := p.theirs(body)(ctx); err != nil {
			t.Error(err)
		}
	}
	if err := stop(pool); err != nil {
		t.Error(err)
	}
}

func TestReportTellsWhatMissed(t *testing.T) {
	t.Parallel()
	report := Report{Machine: "m", Figures: []Figure{
		{Name: "fast_enough", Value: 0.9, Unit: "ratio", Target: 0.8, AtLeast: true, Compared: "x"},
		{Name: "too_slow", Value: 41, Unit: "ms", Target: 40, Compared: "y"},
	}}
	if missed := report.Missed(); len(missed) != 1 || missed[0] != "too_slow" {
		t.Errorf("Missed = %v", missed)
	}
	var table strings.Builder
	if err := report.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"fast_enough", ">= 0.8", "MISS", "41.00 ms"} {
		if !strings.Contains(table.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, table.String())
		}
	}
	flat, err := json.Marshal(report.Flat())
	if err != nil || !strings.Contains(string(flat), `"too_slow":41`) {
		t.Errorf("Flat = %s, %v", flat, err)
	}
}

// Every figure is measured once, in a tenth of the time, so that the benchmark
// cannot rot. What it finds on a busy machine is not judged.
func TestRunMeasuresEveryFigure(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	report, err := Run(testkit.Context(t, 6*time.Minute), Config{Python: testkit.Python(t), Scale: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"echo_throughput_ratio", "echo_p50_ratio", "big_p50_ratio", "accept_ms", "cold_start_ratio",
		"spawn_p50_ms", "recovery_p99_ms", "memory_ratio", "in_flight_memory_ratio", "python_cpu_ms",
	}
	flat := report.Flat()
	for _, name := range want {
		if value, ok := flat[name].(float64); !ok || value <= 0 {
			t.Errorf("%s = %v", name, flat[name])
		}
	}
	// A difference of two times may come out as anything on a busy machine.
	if _, ok := flat["egress_added_p50_ms"].(float64); !ok {
		t.Error("egress_added_p50_ms was not measured")
	}
}

func TestRivalsTakeTurnsAndTheFirstRoundDoesNotCount(t *testing.T) {
	t.Parallel()
	var turns []string
	made := func(name string, rate float64) *rival {
		return &rival{name: name, round: func(context.Context, time.Duration) (float64, error) {
			turns = append(turns, name)
			return rate * float64(len(turns)), nil
		}}
	}
	a, b := made("a", 2), made("b", 1)
	if err := takeTurns(t.Context(), []*rival{a, b}, 2, time.Second); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "a", "b"}; !slices.Equal(turns, want) {
		t.Errorf("turns %v", turns)
	}
	if got, want := ratios(a.rates, b.rates), []float64{6.0 / 4, 10.0 / 6}; !slices.Equal(got, want) {
		t.Errorf("ratios %v, want %v", got, want)
	}
	b.round = func(context.Context, time.Duration) (float64, error) { return 0, errors.New("wrong answer") }
	if err := takeTurns(t.Context(), []*rival{a, b}, 2, time.Second); err == nil || !strings.Contains(err.Error(), "b: wrong answer") {
		t.Errorf("a rival that failed: %v", err)
	}
}

func TestEveryAnswerIsChecked(t *testing.T) {
	t.Parallel()
	for answer, right := range map[string]bool{`{"answer":"2"}`: true, `{"answer":"3"}`: false, `{}`: false, `no JSON`: false} {
		call := questions(func(_ context.Context, input []byte) ([]byte, error) {
			if string(input) != `{"question":"What is 1+1?"}` {
				t.Errorf("asked %s", input)
			}
			return []byte(answer), nil
		})
		if err := call(t.Context()); (err == nil) != right {
			t.Errorf("%s: %v", answer, err)
		}
	}
	var a asking
	for body, right := range map[string]bool{
		`{"choices":[{"message":{"content":"x"}}]}`: true, `{"choices":[]}`: false, `{"choices":[{"message":{}}]}`: false,
	} {
		if err := a.check(http.StatusOK, []byte(body)); (err == nil) != right {
			t.Errorf("%s: %v", body, err)
		}
		if a.check(http.StatusBadGateway, []byte(body)) == nil {
			t.Errorf("%s with status 502 was taken", body)
		}
	}
}

// The peer that needs nothing beyond the development environment.
func TestTheAsyncioPeerMakesItsRounds(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	lm, _, err := practice()
	if err != nil {
		t.Fatal(err)
	}
	defer lm.Close() //nolint:errcheck // a test
	b := &bencher{Config: Config{Peers: "../../bench/peers", PeersPython: testkit.Python(t)}, children: process.NewLauncher()}
	defer b.children.Close() //nolint:errcheck // never fails
	ctx := testkit.Context(t, time.Minute)
	peer, err := b.tasks(ctx, lm.URL())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if rate, err := peer.round(ctx, time.Second); err != nil || rate <= 0 {
			t.Errorf("%v predictions a second, %v", rate, err)
		}
	}
	if n := lm.Stats().Requests; n == 0 {
		t.Error("the language model was never asked")
	}
	if err := peer.stop(); err != nil {
		t.Error(err)
	}
}

func TestAPeerThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	b := &bencher{Config: Config{Peers: t.TempDir(), PeersPython: testkit.Python(t)}, children: process.NewLauncher()}
	defer b.children.Close() //nolint:errcheck // never fails
	if _, err := b.peers(testkit.Context(t, time.Minute), "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "FastAPI") {
		t.Errorf("without its program: %v", err)
	}
	if _, _, err := absolutePeers(Config{Peers: "x"}); err == nil {
		t.Error("peers without an interpreter were taken")
	}
}
