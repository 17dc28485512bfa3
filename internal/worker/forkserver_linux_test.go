package worker

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/zygotemock"
)

// fake makes the fake fork server break one of its promises.
func fake(mode string) func(*Config) {
	return func(c *Config) { c.Env = append(c.Env, zygotemock.Variable+"="+mode) }
}

func TestForkServersThatDoNotStartSayWhy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode string
		code fault.Code
		want []string
	}{
		{zygotemock.Dies, fault.Unavailable, []string{"exit code 1", "No module named 'dspy'", "install it"}},
		{zygotemock.Silent, fault.Unavailable, []string{"did not say hello within"}},
		{zygotemock.WrongNonce, fault.Protocol, []string{"not the hello of this start"}},
		{zygotemock.WrongVersion, fault.Protocol, []string{"version 99"}},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			f := NewForkServer(config(t, fake(tt.mode), func(c *Config) {
				if tt.mode == zygotemock.Silent {
					c.StartTimeout = 200 * time.Millisecond
				}
			}))
			err := f.Start(testkit.Context(t, patience))
			if fault.CodeOf(err) != tt.code {
				t.Errorf("error = %v, want %s", err, tt.code)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
			if err := f.Stop(testkit.Context(t, patience)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnUnsafeForkServerBecomesASpawner(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t, fake(zygotemock.Unsafe))))
	i := s.Info()
	if i.Kind != KindSpawn || len(i.Unsafe) != 1 || i.Unsafe[0] != "a thread was left behind" {
		t.Errorf("info = %+v", i)
	}
	w := spawn(t, s)
	if o := outcome(t, begin(t, w, "echo", `{}`)); o.Err != nil {
		t.Error(o.Err)
	}
}

func TestAForkServerTellsWhatItIs(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t, fake(zygotemock.Failed))))
	i := s.Info()
	if i.Kind != KindForkServer || i.PID == 0 || i.Python != "none" || len(i.Failed) != 1 || i.Failed[0] != "user: ImportError: no" {
		t.Errorf("info = %+v", i)
	}
}

func TestARefusedForkIsTyped(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t, fake(zygotemock.Refuses))))
	_, err := s.Spawn(testkit.Context(t, patience), "w1")
	if fault.CodeOf(err) != fault.ResourceExhausted || !strings.Contains(err.Error(), "no more processes") {
		t.Errorf("error = %v", err)
	}
}

func TestAForkServerThatTakesNoOrdersIsKilled(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t, fake(zygotemock.Deaf), func(c *Config) { c.StartTimeout = 300 * time.Millisecond })))
	broken := s.Done()
	_, err := s.Spawn(testkit.Context(t, patience), "w1")
	if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "did not answer within") {
		t.Errorf("error = %v", err)
	}
	await(t, "Done of the source", broken)
}

func TestAForkServerThatDiesOnAnOrderIsKnownToBeBrokenWhenTheOrderFails(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t, fake(zygotemock.DiesOnOrder))))
	broken := s.Done()
	_, err := s.Spawn(testkit.Context(t, patience), "w1")
	if fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("error = %v", err)
	}
	select {
	case <-broken:
	default:
		t.Error("the order failed before Done was closed: its failure would be held against the workers")
	}
}

func TestWorkersDieWithTheirForkServerAndANewOneTakesOver(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t)))
	var workers []*Worker
	for range 3 {
		workers = append(workers, spawn(t, s))
	}
	p := begin(t, workers[0], "hang", `{}`)
	begun(t, workers[0], p)
	broken, first := s.Done(), s.Info().PID
	since := time.Now()
	_ = syscall.Kill(first, syscall.SIGKILL)
	await(t, "Done of the source", broken)
	for _, w := range workers {
		await(t, "the worker's end", w.Done())
	}
	if took := time.Since(since); took > 900*time.Millisecond {
		t.Errorf("took %v", took)
	}
	o := outcome(t, p)
	if o.Err == nil || o.Err.Code != fault.WorkerCrashed || o.Err.Started != fault.StartedYes {
		t.Errorf("outcome = %+v", o.Err)
	}
	if err := s.Start(testkit.Context(t, patience)); err != nil {
		t.Fatal(err)
	}
	if again := s.Info().PID; again == first || again == 0 {
		t.Errorf("fork server %d after %d", again, first)
	}
	if o := outcome(t, begin(t, spawn(t, s), "echo", `{}`)); o.Err != nil {
		t.Error(o.Err)
	}
}

func TestOrdersMayBeGivenConcurrently(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t)))
	ctx := testkit.Context(t, patience)
	var wg sync.WaitGroup
	pids := make([]int, 16)
	for i := range pids {
		wg.Go(func() {
			w, err := s.Spawn(ctx, fmt.Sprint("w", i))
			if err != nil {
				t.Error(err)
				return
			}
			pids[i] = w.PID()
			if w.Hello().PID != w.PID() {
				t.Errorf("worker %d said it was %d", w.PID(), w.Hello().PID)
			}
		})
	}
	wg.Wait()
	seen := map[int]bool{}
	for _, pid := range pids {
		if seen[pid] {
			t.Errorf("process %d twice", pid)
		}
		seen[pid] = true
	}
}

func TestAnOrderThatIsGivenUpLeavesNoWorkerBehind(t *testing.T) {
	t.Parallel()
	s := started(t, NewForkServer(config(t)))
	for range 20 {
		ctx, cancel := context.WithCancel(testkit.Context(t, patience))
		go cancel()
		w, err := s.Spawn(ctx, "w1")
		if err == nil {
			w.Kill("came up all the same")
			await(t, "its end", w.Done())
		}
	}
}

func TestStopDuringAStartEndsIt(t *testing.T) {
	t.Parallel()
	f := NewForkServer(config(t, fake(zygotemock.Silent)))
	ctx := testkit.Context(t, patience)
	failed := make(chan error, 1)
	go func() { failed <- f.Start(ctx) }()
	if err := f.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("the start succeeded")
	}
}
