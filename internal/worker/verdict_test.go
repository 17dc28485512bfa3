package worker

import (
	"errors"
	"testing"

	"github.com/dspool/dspool/fault"
)

// CHK-98
func TestVerdicts(t *testing.T) {
	t.Parallel()
	remove := map[fault.Code]bool{
		fault.WorkerCrashed: true, fault.WorkerUnresponsive: true, fault.Protocol: true, fault.Internal: true,
	}
	skip := map[fault.Code]bool{fault.ShuttingDown: true, fault.Unavailable: true}
	for _, code := range fault.Codes() {
		want := Keep
		switch {
		case remove[code]:
			want = Remove
		case skip[code]:
			want = Skip
		}
		if got := VerdictOf(fault.New(code, "x")); got != want {
			t.Errorf("%s on this side: %s, want %s", code, got, want)
		}
		answered := Keep
		if code == fault.ShuttingDown {
			answered = Skip
		}
		if got := VerdictOf(&fault.Error{Code: code, Remote: true}); got != answered {
			t.Errorf("%s as an answer: %s, want %s", code, got, answered)
		}
	}
}

func TestVerdictsOfWhatIsNoFault(t *testing.T) {
	t.Parallel()
	if got := VerdictOf(nil); got != Keep {
		t.Errorf("nil: %s", got)
	}
	if got := VerdictOf(errors.New("bare")); got != Remove {
		t.Errorf("bare error: %s", got)
	}
	if got := VerdictOf(fault.New("from_the_future", "x")); got != Remove {
		t.Errorf("unknown code: %s", got)
	}
}
