package soak

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/chaos"
	"github.com/dspool/dspool/internal/testkit"
)

// made returns n samples of a function.
func made(n int, f func(i int) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = f(i)
	}
	return values
}

func TestWhatIsFlat(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // noise
	const mib = 1 << 20
	for name, test := range map[string]struct {
		unit   string
		values []float64
		flat   bool
	}{
		"a line":                               {"bytes", made(300, func(int) float64 { return 100 * mib }), true},
		"noise":                                {"bytes", made(300, func(int) float64 { return 100*mib + dice.Float64()*50*mib }), true},
		"a saw, as a collector makes it":       {"bytes", made(300, func(i int) float64 { return 50*mib + float64(i%20)*5*mib }), true},
		"a fall":                               {"bytes", made(300, func(i int) float64 { return float64(1000-i) * mib }), true},
		"growth during the warm-up only":       {"bytes", made(300, func(i int) float64 { return float64(min(i, 60)) * 10 * mib }), true},
		"one spike":                            {"", made(300, func(i int) float64 { return map[bool]float64{true: 900, false: 20}[i == 299] }), true},
		"slow growth":                          {"bytes", made(300, func(i int) float64 { return 100*mib + float64(i)*mib/10 }), false},
		"slow growth under noise":              {"bytes", made(300, func(i int) float64 { return 100*mib + float64(i)*mib/5 + dice.Float64()*20*mib }), false},
		"a descriptor now and then":            {"", made(300, func(i int) float64 { return 20 + float64(i/50) }), false},
		"a descriptor with each sample":        {"", made(300, func(i int) float64 { return 20 + float64(i) }), false},
		"growth by less than may be":           {"bytes", made(300, func(i int) float64 { return 100*mib + float64(i)*mib/50 }), true},
		"many samples, of which some are left": {"bytes", made(5000, func(i int) float64 { return 100*mib + float64(i)*mib }), false},
		"nothing seen":                         {"", nil, false},
	} {
		if got := judge(name, test.unit, test.values, 60); got.Flat != test.flat {
			t.Errorf("%s: flat %v, growth %.1f of %.1f", name, got.Flat, got.Growth, got.Limit)
		}
	}
}

func TestWarmUpIsAFifthButAMinuteOfTwo(t *testing.T) {
	t.Parallel()
	for total, want := range map[time.Duration]time.Duration{
		10 * time.Minute: 2 * time.Minute, 3 * time.Minute: time.Minute, 2 * time.Minute: time.Minute, 10 * time.Second: 2 * time.Second,
	} {
		if got := warmUp(total); got != want {
			t.Errorf("of %s: %s, want %s", total, got, want)
		}
	}
}

func TestASoakOfAPool(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "proc")
	told := 0
	r, err := Run(testkit.Context(t, time.Minute), Config{
		Load:     chaos.Config{Command: testkit.Worker(t), Workers: 2, Callers: 8, During: 1500 * time.Millisecond, KillEvery: time.Millisecond},
		Progress: func(chaos.Tally) { told++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls < 100 || r.Calls != r.OK || told < 20 || len(r.Trends) != 8 {
		t.Errorf("%d calls, %d ok, %d samples, %d series", r.Calls, r.OK, told, len(r.Trends))
	}
	for _, s := range r.Trends {
		if len(s.Values) != told || s.Median <= 0 {
			t.Errorf("%s: %d values, median %v", s.Name, len(s.Values), s.Median)
		}
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil || strings.Count(table.String(), "\n") != 9 || !strings.Contains(table.String(), "MiB") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

func TestGrowthAndWrongAnswersAreProblems(t *testing.T) {
	t.Parallel()
	r := Report{Calls: 3, OK: 2, Trends: []Trend{judge("threads", "", made(100, func(i int) float64 { return float64(i) }), 20)}}
	if p := strings.Join(r.Problems(), "; "); !strings.Contains(p, "threads grew") || !strings.Contains(p, "2 of 3 calls") {
		t.Errorf("problems: %s", p)
	}
	if len((Report{Calls: 1, OK: 1}).Problems()) > 0 {
		t.Error("a problem where there is none")
	}
}

func TestABadSoakIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), Config{Load: chaos.Config{During: -1}}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Error(err)
	}
}

func TestAChartHasTheShapeOfItsValues(t *testing.T) {
	t.Parallel()
	for want, values := range map[string][]float64{
		"":         nil,
		"▁":        {5},
		"▁▁▁":      {5, 5, 5},
		"▁▂▃▄▅▆▇█": {0, 1, 2, 3, 4, 5, 6, 7},
		"█▁█":      {9, 0, 9},
	} {
		if got := chart(values); got != want {
			t.Errorf("%v: %s, want %s", values, got, want)
		}
	}
	if n := len([]rune(chart(made(1000, func(i int) float64 { return float64(i) })))); n != chartWidth {
		t.Errorf("%d columns", n)
	}
}
