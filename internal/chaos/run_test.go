package chaos_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/chaos"
	"github.com/dspool/dspool/internal/testkit"
)

// blow runs chaos for a while and checks that nothing is wrong.
func blow(t *testing.T, c chaos.Config) chaos.Details {
	t.Helper()
	d, err := chaos.Run(testkit.Context(t, 2*time.Minute), c)
	if err != nil {
		t.Fatal(err)
	}
	if problems := d.Problems(); len(problems) > 0 {
		t.Errorf("%s\n%+v", strings.Join(problems, "; "), d)
	}
	if d.Calls < 100 || d.Calls != d.OK+d.TypedErrors {
		t.Errorf("the books do not balance: %+v", d.Report)
	}
	return d
}

// CHK-130: single and cascading failures under load, and the recovery from
// them; every call is accounted for.
func TestWorkersAreKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for name, idempotent := range map[string]bool{"idempotent": true, "not idempotent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := blow(t, chaos.Config{
				Command: testkit.Worker(t), Workers: 2, During: 4 * time.Second, Callers: 32,
				Work: 5 * time.Millisecond, KillEvery: 400 * time.Millisecond, Idempotent: idempotent,
				// On a machine that is busy with other tests workers take longer to
				// start than to be killed, and a call is run four times at most. The
				// figure is kept by `dspool chaos`: bench/results.
				Success: 0.5,
			})
			if d.Kills < 5 || d.Recoveries == 0 || d.RecoveryP99 <= 0 {
				t.Errorf("%d kills, %d recoveries, p99 %.1f ms: this was no chaos", d.Kills, d.Recoveries, d.RecoveryP99)
			}
			if ran, lost := d.Again > 0, d.Errors[fault.WorkerCrashed] > 0; ran != idempotent || lost == idempotent {
				t.Errorf("%d run again, errors %v", d.Again, d.Errors)
			}
		})
	}
}

// CHK-130: a frozen worker costs its calls, and no more.
func TestAWorkerIsFrozenUnderLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes as long as a freeze takes to be found: not with -short")
	}
	d := blow(t, chaos.Config{
		Command: testkit.Worker(t), Workers: 2, During: 5 * time.Second, Callers: 8, Work: 5 * time.Millisecond,
		FreezeEvery: 500 * time.Millisecond, Idempotent: true, Calls: 5000,
	})
	if d.Freezes == 0 {
		t.Error("nothing was frozen")
	}
}

// CHK-131: without trouble every call is answered; a swap is no trouble.
func TestEveryCallIsAnsweredWhileWorkersAreExchanged(t *testing.T) {
	t.Parallel()
	d := blow(t, chaos.Config{
		Command: testkit.Worker(t), Workers: 2, During: 2 * time.Second, Callers: 16, SwapEvery: 200 * time.Millisecond,
	})
	if d.OK != d.Calls || d.Swaps == 0 || d.Bound != 1 {
		t.Errorf("%d of %d answered, %d swaps, bound %v", d.OK, d.Calls, d.Swaps, d.Bound)
	}
}

// CHK-130: the fork server is killed, and workers of real Python with it.
func TestPythonUnderChaos(t *testing.T) {
	t.Parallel()
	d := blow(t, chaos.Config{
		Python: testkit.Python(t), Workers: 2, During: 2 * time.Second, Callers: 16, Work: 2 * time.Millisecond,
		KillEvery: 200 * time.Millisecond, KillForkServerEvery: 900 * time.Millisecond, Idempotent: true, Success: 0.95,
	})
	if d.Kills == 0 || d.ForkKill == 0 {
		t.Errorf("%d kills, %d fork server kills", d.Kills, d.ForkKill)
	}
}

func TestALimitedRunMakesExactlyThatManyCalls(t *testing.T) {
	t.Parallel()
	var told int
	d := blow(t, chaos.Config{
		Command: testkit.Worker(t), Workers: 1, During: time.Minute, Callers: 7, Calls: 1000,
		Progress: func(chaos.Tally) { told++ },
	})
	if d.Calls != 1000 || d.OK != 1000 || d.Executions != 1000 {
		t.Errorf("%+v", d)
	}
}

func TestBadChaosIsRefusedAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := chaos.Run(t.Context(), chaos.Config{During: -1, Callers: -1, Calls: -1, Workers: -1, Success: 2, KillEvery: -1, Work: -1, CallTimeout: -1})
	if fault.CodeOf(err) != fault.InvalidArgument {
		t.Fatal(err)
	}
	for _, field := range []string{"During", "Callers", "Calls", "Workers", "Success", "KillEvery", "Work", "CallTimeout"} {
		if !strings.Contains(err.Error(), field+": must") {
			t.Errorf("%v\nwant it to name %s", err, field)
		}
	}
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	_, err := chaos.Run(ctx, chaos.Config{
		Command: testkit.Worker(t), Workers: 1, During: time.Minute, Progress: func(chaos.Tally) { cancel() },
	})
	if fault.CodeOf(err) != fault.Canceled || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
