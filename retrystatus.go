package dspool

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
)

// RetryStatus is a moment's view of a [Retry]. Counts are from the beginning.
type RetryStatus struct {
	Name string `json:"name"`
	// Calls were made by callers, Failed of them failed in the end. SuccessRate
	// is the part that has not, 1 before the first call.
	Calls       int64   `json:"calls"`
	Failed      int64   `json:"failed"`
	SuccessRate float64 `json:"success_rate"`
	// Repeated are the repetitions, of Series calls; Recovered calls went well
	// after one. RecoveryRate is Recovered of the Series that have ended, 1
	// before the first has.
	Repeated     int64   `json:"repeated"`
	Series       int64   `json:"series"`
	Recovered    int64   `json:"recovered"`
	RecoveryRate float64 `json:"recovery_rate"`
	// Calls that were not repeated, or not again: Exhausted had no attempt
	// left, Late had no time left, Throttled found the budget spent, Crowded
	// found too many in repetition, Canceled were cancelled by id.
	Exhausted int64 `json:"exhausted"`
	Late      int64 `json:"late"`
	Throttled int64 `json:"throttled"`
	Crowded   int64 `json:"crowded"`
	Canceled  int64 `json:"canceled"`
	// Budget is how many repetitions there is room for now, -1 for no limit.
	Budget float64 `json:"budget"`
	// Running are the calls in repetition, the oldest first.
	Running []RetryRunning `json:"running"`
}

// RetryRunning is a call in repetition.
type RetryRunning struct {
	// ID names it for [Retry.Cancel].
	ID      string `json:"id"`
	Program string `json:"program"`
	// Attempt is the one that runs or is waited for, Next when it begins, or
	// began.
	Attempt int       `json:"attempt"`
	Next    time.Time `json:"next"`
	// Since is when the first attempt began.
	Since time.Time `json:"since"`
	// LastError is how the last attempt failed.
	LastError string `json:"last_error"`
}

// Status returns the numbers of this moment.
func (r *Retry) Status() RetryStatus {
	c := &r.counts
	st := RetryStatus{
		Name: r.cfg.Name, Calls: c.calls.Load(), Failed: c.failed.Load(),
		Repeated: c.repeated.Load(), Series: c.series.Load(), Recovered: c.recovered.Load(),
		Exhausted: c.exhausted.Load(), Late: c.late.Load(), Throttled: r.bucket.refused.Load(),
		Crowded: c.crowded.Load(), Canceled: c.canceled.Load(), Budget: r.bucket.left(c.calls.Load()),
		Running: r.list(),
	}
	st.SuccessRate = rate(st.Calls-st.Failed, st.Calls)
	st.RecoveryRate = rate(st.Recovered, st.Series-int64(len(st.Running)))
	return st
}

// rate is a part of a whole, 1 if there is nothing.
func rate(part, whole int64) float64 {
	if whole <= 0 {
		return 1
	}
	return min(float64(part)/float64(whole), 1)
}

// list returns the calls in repetition.
func (r *Retry) list() []RetryRunning {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]RetryRunning, 0, len(r.running))
	for id, s := range r.running {
		list = append(list, RetryRunning{
			ID: id, Program: s.req.Program.String(), Attempt: s.shown + 1, Next: s.next, Since: s.began, LastError: s.last.Error(),
		})
	}
	slices.SortFunc(list, func(a, b RetryRunning) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Cancel ends a call in repetition: its caller gets canceled, at once if it
// waits and as soon as the Runner lets go if it runs. It reports whether there
// is such a call.
func (r *Retry) Cancel(id string) bool {
	r.mu.Lock()
	s, known := r.running[id]
	r.mu.Unlock()
	if known {
		r.counts.canceled.Add(1)
		s.end(fault.Newf(fault.Canceled, "the repetition %s was cancelled by its id", id))
	}
	return known
}

// enter notes that a call is in repetition, if there is room for one more, and
// what Status shows of it.
func (r *Retry) enter(s *series, f *fault.Error, next time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.id == "" {
		if len(r.running) >= r.cfg.Limit {
			return false
		}
		r.numbered++
		r.counts.series.Add(1)
		s.id = fmt.Sprintf("r%d", r.numbered)
		s.open()
		r.running[s.id] = s
	}
	s.last, s.next, s.shown = f, next, s.failures
	return true
}

func (r *Retry) leave(s *series) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, s.id)
}
