package dspooltest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

// CHK-119: the shapes of load, in virtual time: how many calls come when.
func TestShapesOfLoad(t *testing.T) {
	t.Parallel()
	for shape, want := range map[dspooltest.Shape]struct {
		calls  int
		fifths [5]int // of the time
	}{
		dspooltest.Steady: {1000, [5]int{200, 200, 200, 200, 200}},
		dspooltest.RampUp: {500, [5]int{20, 60, 100, 140, 180}},
		dspooltest.Spike:  {280, [5]int{20, 20, 200, 20, 20}},
		dspooltest.Burst:  {1000, [5]int{200, 200, 200, 200, 200}},
	} {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var fifths [5]int
				moments := map[time.Duration]int{}
				began := time.Now()
				mock, err := dspool.NewMock(dspool.MockConfig{Handlers: map[string]dspool.MockHandler{
					"x:x": func(context.Context, *dspool.MockCall) (any, error) {
						mu.Lock()
						defer mu.Unlock()
						at := time.Since(began)
						fifths[min(4, at*5/(10*time.Second))]++
						moments[at]++
						return nil, nil
					},
				}})
				if err != nil {
					t.Fatal(err)
				}
				report, err := dspooltest.Workload{
					Shape: shape, Rate: 100, For: 10 * time.Second,
					Request: func(int) dspool.Request { return dspool.Request{Program: function(t, "x:x")} },
				}.Run(t.Context(), mock)
				if err != nil || report.OK != report.Calls || report.Success != 1 {
					t.Fatalf("%+v, %v", report, err)
				}
				near := func(got, want int) bool { return got >= want-2 && got <= want+2 }
				for i := range fifths {
					if !near(fifths[i], want.fifths[i]) {
						t.Errorf("calls by fifths of the time: %v, want about %v", fifths, want.fifths)
						break
					}
				}
				if !near(report.Calls, want.calls) {
					t.Errorf("%d calls, want about %d", report.Calls, want.calls)
				}
				if (len(moments) == 10) != (shape == dspooltest.Burst) {
					t.Errorf("calls came at %d moments", len(moments))
				}
				if err := mock.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAWorkloadReportsWhatWentWrong(t *testing.T) {
	t.Parallel()
	mock := dspooltest.NewMock(t, dspool.MockConfig{Answers: map[string]any{"x:x": 1}})
	if _, err := mock.Inject(dspool.MockFault{Code: fault.LMRateLimit, Times: 3}); err != nil {
		t.Fatal(err)
	}
	w := dspooltest.Workload{
		Shape: dspooltest.Burst, Rate: 100, For: 100 * time.Millisecond,
		Request: func(int) dspool.Request { return dspool.Request{Program: function(t, "x:x")} },
		Check: func(i int, resp dspool.Response) error {
			if i == 5 {
				return errors.New("not five")
			}
			return nil
		},
	}
	r, err := w.Run(t.Context(), mock)
	if err != nil || r.Calls != 10 || r.Errors[fault.LMRateLimit] != 3 || r.OK+r.Wrong != 7 || r.First == nil {
		t.Errorf("%+v, %v", r, err)
	}
	w.Shape = "wavy"
	if _, err := w.Run(t.Context(), mock); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an unknown shape: %v", err)
	}
	w = dspooltest.Workload{Shape: dspooltest.Steady}
	if _, err := w.Run(t.Context(), mock); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an empty workload: %v", err)
	}
}

// CHK-118: run_concurrent and verify_concurrent; each answer is its call's own.
func TestConcurrentCallsAreKeptApart(t *testing.T) {
	t.Parallel()
	kit := dspooltest.New(t, dspooltest.Setup{Default: "bridge_mock", Mode: "bridge_mock", Config: dspool.Config{Workers: 2}})
	request := func(i int) dspool.Request {
		return dspool.Request{Program: function(t, "mock:sleep"), Input: fmt.Appendf(nil, `{"ms":%d}`, 20+i)}
	}
	c := dspooltest.VerifyConcurrent(t, kit, 50, request, dspooltest.OutputIs(func(i int) any { return 20 + i }))
	if c.Alone < 20*time.Millisecond || c.Ratio <= 0 {
		t.Errorf("%+v", c)
	}
	inner := &verdict{TB: t}
	dspooltest.VerifyConcurrent(inner, kit, 3, request, dspooltest.OutputIs(func(int) any { return "else" }))
	if len(inner.errors) != 4 {
		t.Errorf("%d of 4 wrong answers were noticed: %q", len(inner.errors), inner.errors)
	}
	errs := dspooltest.RunConcurrent(t.Context(), 4, func(_ context.Context, i int) error {
		if i == 2 {
			return errors.New("two")
		}
		return nil
	})
	if len(errs) != 4 || errs[2] == nil || errs[0] != nil {
		t.Errorf("%v", errs)
	}
}

// CHK-119: signatures simple, complex, chain and custom, all of which parse and
// can be run.
func TestGeneratedSignaturesCanBeUsed(t *testing.T) {
	t.Parallel()
	mock := dspooltest.NewMock(t, dspool.MockConfig{})
	for _, shape := range []dspooltest.SignatureShape{
		dspooltest.SimpleSignatures, dspooltest.ComplexSignatures, dspooltest.ChainSignatures, "city_%d -> mayor_%d: Optional[str]",
	} {
		texts := dspooltest.Signatures(shape, 20, 7)
		if !slices.Equal(texts, dspooltest.Signatures(shape, 20, 7)) {
			t.Errorf("%s: not the same for the same seed", shape)
		}
		seen := map[string]bool{}
		for _, spec := range dspooltest.Predicts(t, texts) {
			_, hash, err := spec.Definition()
			if err != nil || seen[hash] {
				t.Errorf("%s: %v, seen before %v", shape, err, seen[hash])
			}
			seen[hash] = true
		}
	}
	input := []byte(`{"step_0":"begin"}`)
	for i, spec := range dspooltest.Predicts(t, dspooltest.Signatures(dspooltest.ChainSignatures, 5, 0)) {
		resp, err := mock.Call(t.Context(), dspool.Request{Program: spec, Input: input})
		if err != nil {
			t.Fatalf("link %d: %v", i, err)
		}
		input = resp.Output
	}
}
