package dspool_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// ofCalls returns the events of calls, by call.
func ofCalls(events []dspool.PoolEvent) map[int64][]dspool.PoolEvent {
	calls := map[int64][]dspool.PoolEvent{}
	for _, ev := range events {
		if ev.Call != 0 {
			calls[ev.Call] = append(calls[ev.Call], ev)
		}
	}
	return calls
}

func kinds(events []dspool.PoolEvent) (list []dspool.PoolEventKind) {
	for _, ev := range events {
		list = append(list, ev.Kind)
	}
	return list
}

func TestEveryAcceptedCallIsToldOfFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	r := record(testkit.Context(t, time.Minute), pool)
	ctx := testkit.Context(t, time.Minute)
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo"), Session: "s1", Input: []byte(`{"text":"x"}`)}); err != nil {
		t.Fatal(err)
	}
	_, failed := pool.Call(ctx, dspool.Request{Program: mock(t, "fail"), Input: []byte(`{"code":"program_error","message":"no"}`)})
	_, refused := pool.Call(ctx, dspool.Request{})
	for range pool.Stream(ctx, dspool.Request{Program: mock(t, "stream"), Input: []byte(`{"n":1000}`)}) {
		break
	}
	stopPool(t, pool)

	calls := ofCalls(r.all(t))
	whole := []dspool.PoolEventKind{dspool.CallQueued, dspool.CallStarted, dspool.CallFinished}
	for call, want := range map[int64]struct {
		kinds   []dspool.PoolEventKind
		program string
		code    fault.Code
	}{
		1: {whole, "mock:echo", ""},
		2: {whole, "mock:fail", fault.CodeOf(failed)},
		3: {[]dspool.PoolEventKind{dspool.CallQueued, dspool.CallFinished}, "no program", fault.CodeOf(refused)},
		4: {[]dspool.PoolEventKind{dspool.CallQueued, dspool.CallStarted, dspool.CallAbandoned, dspool.CallFinished}, "mock:stream", fault.Canceled},
	} {
		events := calls[call]
		if !slices.Equal(kinds(events), want.kinds) {
			t.Errorf("call %d: events %v, want %v", call, kinds(events), want.kinds)
			continue
		}
		last := events[len(events)-1]
		if session := map[int64]string{1: "s1"}[call]; last.Session != session {
			t.Errorf("call %d: session %q, want %q", call, last.Session, session)
		}
		if last.Program != want.program || last.Code != want.code || (last.Err == nil) != (want.code == "") {
			t.Errorf("call %d ended with %+v, want %+v", call, last, want)
		}
		if last.Took <= 0 || last.Took < last.Queue+last.Run {
			t.Errorf("call %d took %v, its queue %v and run %v", call, last.Took, last.Queue, last.Run)
		}
		if len(want.kinds) > 2 && (last.Worker == "" || last.Attempts != 1 || events[1].PID == 0) {
			t.Errorf("call %d: worker %q, attempts %d, pid %d", call, last.Worker, last.Attempts, events[1].PID)
		}
	}
}

// Numbers do not depend on events: those may be lost. CHK-38, CHK-101
func TestNumbersAreExactWhenEventsAreLost(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	_ = pool.Events(testkit.Context(t, time.Minute)) // never read
	const callers, each = 16, 100
	echo, fail := mock(t, "echo"), mock(t, "fail")
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range each {
				program := echo
				if i%10 == 0 {
					program = fail
				}
				_, _ = pool.Call(t.Context(), dspool.Request{Program: program, Input: []byte(`{"text":"x","code":"program_error"}`)})
			}
		})
	}
	wg.Wait()
	st := pool.Stats()
	const total, failed = callers * each, callers * each / 10
	if st.Totals.Calls != total || st.Totals.Succeeded != total-failed || st.Totals.Errors[fault.ProgramError] != failed {
		t.Errorf("totals %+v", st.Totals)
	}
	if st.Total.Count != total || st.Run.Count != total-failed || st.QueueWait.Count != total-failed || st.Verdicts.Keep != failed {
		t.Errorf("counted: total %d, run %d, queue %d, verdicts %+v", st.Total.Count, st.Run.Count, st.QueueWait.Count, st.Verdicts)
	}
	if st.EventsDropped == 0 {
		t.Error("4,800 events fit into a buffer of 1,024")
	}
	if st.Spawn.Count < 1 || st.Latency.Total.P50 <= 0 || st.Latency.Total.P99 < st.Latency.Total.P50 {
		t.Errorf("spawned %d, latency %+v", st.Spawn.Count, st.Latency)
	}
}

// CHK-101
func TestLostWorkersAreCountedByHowTheyEnded(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	r := record(testkit.Context(t, time.Minute), pool)
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	_, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: mock(t, "crash")})
	wantFault(t, err, fault.WorkerCrashed)
	r.await(t, dspool.WorkerCrashed)
	if err := pool.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	st := pool.Stats()
	if st.Ended.Crashed != 1 || st.Ended.Retired < 1 || st.Verdicts.Remove != 1 || st.Totals.Crashes != 1 {
		t.Errorf("ended %+v, verdicts %+v, crashes %d", st.Ended, st.Verdicts, st.Totals.Crashes)
	}
}
