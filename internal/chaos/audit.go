package chaos

import "github.com/dspool/dspool/fault"

// audit holds what the callers were told against what has happened. A call that
// it finds fault with counts as a wrong one only.
func (l *Load) audit(d *Details, runs []uint8, idempotent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := int64(1); id < int64(len(runs)); id++ {
		n := int64(runs[id])
		d.Executions += n
		d.Again += max(0, n-1)
		started, failed := l.failures[id]
		kind := d.flaw(n, started, failed, idempotent)
		if kind == nil {
			continue
		}
		*kind++
		if failed {
			d.TypedErrors--
		} else {
			d.OK--
		}
	}
}

// flaw returns the count that the call belongs to, nil if it is as it should
// be.
func (d *Details) flaw(runs int64, started fault.Started, failed, idempotent bool) *int64 {
	switch {
	case runs > 1 && !idempotent:
		return &d.Twice
	case runs > 0 && failed && started == fault.StartedNo:
		return &d.Untruthful
	case runs == 0 && !failed:
		return &d.Unrun
	default:
		return nil
	}
}

// count fills in what the load knows.
func (l *Load) count(d *Details, runs []uint8, idempotent bool) {
	d.Calls, d.OK, d.TypedErrors = l.issued.Load(), l.ok.Load(), l.typed.Load()
	d.Lost, d.Hung, d.Answers, d.Errors = l.lost.Load(), l.hung.Load(), l.answers.Load(), l.errs
	d.First = l.first
	l.audit(d, runs, idempotent)
	d.Wrong = d.Answers + d.Untruthful + d.Twice + d.Unrun
	if d.Calls > 0 {
		d.SuccessRate = float64(d.OK) / float64(d.Calls)
	}
}
