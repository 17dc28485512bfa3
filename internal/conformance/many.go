package conformance

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
)

// many: calls run at the same time, and each gets its own answer.
func (s *suite) many(t *testing.T) {
	t.Run("every caller gets its own answer", s.ownAnswers)            // CHK-23
	t.Run("calls overlap", s.overlap)                                  // CHK-33, CHK-35
	t.Run("short-lived callers leave the workers alone", s.shortLived) // CHK-18
	t.Run("an exclusive program runs alone", s.exclusive)
	t.Run("a busy worker does not hold up status", s.statusIsFree) // CHK-28
}

func (s *suite) ownAnswers(t *testing.T) {
	t.Parallel()
	spec := program(t, "echo")
	var callers sync.WaitGroup
	for n := range 64 {
		callers.Go(func() {
			for i := range 20 {
				input := fmt.Sprintf(`{"text":"%d-%d"}`, n, i)
				resp, err := s.shared.Call(bounded(t), dspool.Request{Program: spec, Input: []byte(input)})
				if err != nil || string(resp.Output) != fmt.Sprintf(`"%d-%d"`, n, i) {
					t.Errorf("%s gave %s, %v", input, resp.Output, err)
					return
				}
			}
		})
	}
	callers.Wait()
}

// overlap: a hundred calls do not take a hundred times as long as one.
func (s *suite) overlap(t *testing.T) {
	t.Parallel()
	call(t, s.shared, "echo", "")
	req := dspool.Request{Program: program(t, "sleep"), Input: []byte(`{"ms":500}`)}
	began := time.Now()
	var calls []<-chan answer
	for range 100 {
		calls = append(calls, begin(bounded(t), s.shared, req))
	}
	for _, done := range calls {
		if a := get(t, done); a.err != nil {
			t.Fatal(a.err)
		}
	}
	if took := time.Since(began); took < 500*time.Millisecond || took > 10*time.Second {
		t.Errorf("100 calls of 500 ms took %s", took)
	}
}

func (s *suite) shortLived(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, nil)
	call(t, subject, "echo", "")
	until(t, "all workers serve", func() bool { return subject.Status().Serving == subject.Status().Want })
	before := processes(subject)
	for range 50 {
		if a := get(t, begin(bounded(t), subject, dspool.Request{Program: program(t, "pid")})); a.err != nil {
			t.Fatal(a.err)
		} else if !before[string(a.resp.Output)] {
			t.Fatalf("answered by process %s, which is none of %v", a.resp.Output, before)
		}
	}
	for pid := range processes(subject) {
		if !before[pid] {
			t.Errorf("process %s is new: callers wear workers out", pid)
		}
	}
}

func processes(subject Subject) map[string]bool {
	pids := map[string]bool{}
	for _, w := range subject.Status().Workers {
		pids[fmt.Sprint(w.PID)] = true
	}
	return pids
}

// exclusive: four calls that run alone and eight that run together take five
// times as long as one.
func (s *suite) exclusive(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, func(c *dspool.Config) { c.Workers = 1 })
	alone, err := dspool.NewFunc("mock:sleep", dspool.Exclusive())
	if err != nil {
		t.Fatal(err)
	}
	call(t, subject, "sleep", `{"ms":1}`)
	began := time.Now()
	var calls []<-chan answer
	for n := range 12 {
		req := dspool.Request{Program: program(t, "sleep"), Input: []byte(`{"ms":100}`)}
		if n%3 == 0 {
			req.Program = alone
		}
		calls = append(calls, begin(bounded(t), subject, req))
	}
	for _, done := range calls {
		if a := get(t, done); a.err != nil {
			t.Error(a.err)
		}
	}
	if took := time.Since(began); took < 490*time.Millisecond {
		t.Errorf("took %s: an exclusive call had company", took)
	}
}

func (s *suite) statusIsFree(t *testing.T) {
	t.Parallel()
	subject := s.shared
	call(t, subject, "echo", "")
	var calls []<-chan answer
	for range 50 {
		calls = append(calls, begin(bounded(t), subject, dspool.Request{Program: program(t, "sleep"), Input: []byte(`{"ms":300}`)}))
	}
	began := time.Now()
	for range 100 {
		_ = subject.Status()
	}
	if took := time.Since(began); took > 2*time.Second { // a look that waited for a call would take 300 ms
		t.Errorf("100 looks at the status took %s while calls were running", took)
	}
	for _, done := range calls {
		if a := get(t, done); a.err != nil {
			t.Error(a.err)
		}
	}
}
