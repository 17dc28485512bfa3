package chaos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// hungAfter is how much later than its deadline a call may return: the machine
// may be busy, but a deadline is a deadline.
const hungAfter = 5 * time.Second

// A Load is callers that call a Runner again and again, and check what comes
// back.
type Load struct {
	runner  dspool.Runner
	program *dspool.Spec
	traces  string
	work    time.Duration
	timeout time.Duration
	limit   int64

	ctx     context.Context //nolint:containedctx // of all calls, for their values
	stop    chan struct{}
	callers sync.WaitGroup
	at      []atomic.Int64 // the call that each caller is at, 0 for none
	issued  atomic.Int64
	ok      atomic.Int64
	typed   atomic.Int64
	answers atomic.Int64 // wrong ones
	lost    atomic.Int64
	hung    atomic.Int64

	mu       sync.Mutex
	errs     map[fault.Code]int64
	first    map[fault.Code]string   // the first error of each code, in words
	failures map[int64]fault.Started // calls that were not answered
}

// StartLoad starts the callers. Calls of ctx go on when it ends.
func StartLoad(ctx context.Context, runner dspool.Runner, program *dspool.Spec, c Config, traces string) *Load {
	l := &Load{
		runner: runner, program: program, traces: traces, work: c.Work, timeout: c.CallTimeout, limit: c.Calls,
		ctx: context.WithoutCancel(ctx), stop: make(chan struct{}), at: make([]atomic.Int64, c.Callers),
		errs: map[fault.Code]int64{}, first: map[fault.Code]string{}, failures: map[int64]fault.Started{},
	}
	for n := range c.Callers {
		l.callers.Go(func() { l.caller(&l.at[n]) })
	}
	return l
}

// done is closed when all callers have made their calls: after End, or after
// the last call of a limited load.
func (l *Load) done() <-chan struct{} {
	done := make(chan struct{})
	go func() { // ends with the callers
		defer close(done)
		l.callers.Wait()
	}()
	return done
}

// End lets callers finish the call they are at, and counts those that do not
// return as hung.
func (l *Load) End() {
	close(l.stop)
	timer := time.NewTimer(l.timeout + hungAfter)
	defer timer.Stop()
	select {
	case <-l.done():
	case <-timer.C:
		for i := range l.at {
			if id := l.at[i].Load(); id > 0 {
				l.hung.Add(1)
				l.missed(id, fault.StartedUnknown)
			}
		}
	}
}

func (l *Load) caller(at *atomic.Int64) {
	defer at.Store(0)
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		id := l.issued.Add(1)
		if l.limit > 0 && id > l.limit {
			l.issued.Add(-1)
			return
		}
		at.Store(id)
		l.one(id)
	}
}

func (l *Load) one(id int64) {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	input, want := l.question(id)
	began := time.Now()
	resp, err := l.runner.Call(ctx, dspool.Request{Program: l.program, Input: input})
	switch took := time.Since(began); {
	case took > l.timeout+hungAfter:
		l.hung.Add(1)
		l.missed(id, fault.StartedUnknown)
	case err != nil:
		l.failed(id, err)
	case string(resp.Output) != want:
		l.answers.Add(1)
	default:
		l.ok.Add(1)
	}
}

// question returns an input that no other call has, and the one right answer.
func (l *Load) question(id int64) (input []byte, want string) {
	number := strconv.FormatInt(id*7919, 36)
	input = fmt.Appendf(make([]byte, 0, 64+len(l.traces)), `{"id":%d,"text":%q`, id, number)
	if l.traces != "" {
		input = fmt.Appendf(input, `,"traces_to":%q`, l.traces)
	}
	if l.work > 0 {
		input = fmt.Appendf(input, `,"ms":%d`, l.work.Milliseconds())
	}
	round := []byte(number)
	for i, j := 0, len(round)-1; i < j; i, j = i+1, j-1 {
		round[i], round[j] = round[j], round[i]
	}
	return append(input, '}'), `"` + strconv.FormatInt(id, 10) + ":" + string(round) + `"`
}

func (l *Load) failed(id int64, err error) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code == "" || f.Code == fault.Internal {
		l.lost.Add(1)
		l.missed(id, fault.StartedUnknown)
		return
	}
	l.typed.Add(1)
	l.missed(id, f.Started)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.errs[f.Code]++; l.errs[f.Code] == 1 {
		l.first[f.Code] = err.Error()
	}
}

func (l *Load) missed(id int64, started fault.Started) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures[id] = started
}

// Tally returns the counts of this moment.
func (l *Load) Tally() Tally {
	return Tally{Calls: l.issued.Load(), OK: l.ok.Load(), TypedErrors: l.typed.Load()}
}
