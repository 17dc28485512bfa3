package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A Subject is a started Runner that tells what it is doing.
type Subject interface {
	dspool.Runner
	Status() dspool.Status
}

// A Tier is one way to run programs.
type Tier struct {
	// Open starts a subject that ends with the test. change may change its
	// configuration; nil leaves it alone.
	Open func(t testing.TB, change func(*dspool.Config)) Subject
	// Python means that programs are Python, not the mock's.
	Python bool
	// InProcess means that there are no processes at all: nothing that could
	// be killed or replaced, and no frames.
	InProcess bool
}

// limit is how long any one test may take.
const limit = 60 * time.Second

// A suite is a Tier with a subject that tests share, for what does no harm.
type suite struct {
	Tier
	shared Subject
}

// Run runs the whole suite.
func Run(t *testing.T, tier Tier) {
	s := &suite{Tier: tier, shared: tier.Open(t, nil)}
	t.Run("suite", func(t *testing.T) { // returns when its parallel tests are done
		for _, group := range []struct {
			name  string
			tests func(*testing.T)
		}{
			{"values", s.values},
			{"errors", s.failures},
			{"limits", s.limits},
			{"time", s.times},
			{"streams", s.streams},
			{"narrow", s.narrow},
			{"many", s.many},
			{"affinity", s.affinity},
			{"objects", s.objects},
			{"loss", s.losses},
		} {
			t.Run(group.name, func(t *testing.T) {
				t.Parallel()
				switch group.name {
				case "affinity", "objects", "loss":
					s.needsProcesses(t)
				}
				group.tests(t)
			})
		}
	})
}

// needsProcesses skips what a Runner without processes cannot do.
func (s *suite) needsProcesses(t *testing.T) {
	t.Helper()
	if s.InProcess {
		t.Skip("not applicable: this Runner has no processes")
	}
}

// program is one of the suite's functions.
func program(t testing.TB, name string) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewFunc("mock:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// call runs a function that has to succeed.
func call(t testing.TB, r dspool.Runner, name, input string) dspool.Response {
	t.Helper()
	resp, err := r.Call(bounded(t), dspool.Request{Program: program(t, name), Input: []byte(input)})
	if err != nil {
		t.Fatalf("%s(%.80s): %v", name, input, err)
	}
	return resp
}

// want checks the code of an error, and returns it.
func want(t testing.TB, err error, code fault.Code) *fault.Error {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("error %v: code %q, want %q", err, got, code)
	}
	return fault.From(err)
}

// wantStarted checks what an error says about the start of user code.
func wantStarted(t testing.TB, err *fault.Error, started fault.Started) {
	t.Helper()
	if err.Started != started {
		t.Errorf("Started = %q, want %q (%v)", err.Started, started, err)
	}
}

// until waits until a condition holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx := bounded(t); !holds(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// answer is what a call in the background came to.
type answer struct {
	resp dspool.Response
	err  error
}

// begin makes a call in the background.
func begin(ctx context.Context, r dspool.Runner, req dspool.Request) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		resp, err := r.Call(ctx, req)
		done <- answer{resp, err}
	}()
	return done
}

// get waits for a call in the background.
func get(t testing.TB, done <-chan answer) answer {
	t.Helper()
	select {
	case a := <-done:
		return a
	case <-bounded(t).Done():
		t.Fatal("the call did not return")
		return answer{}
	}
}
