package mux

import "testing"

func TestBudgetsAreSentCoarselyButNeverTooLong(t *testing.T) {
	t.Parallel()
	for _, budget := range []int64{1, 2, 255, 256, 1_000_000, 119_999_873, 1 << 62} {
		sent := coarse(budget)
		if sent > budget || sent < budget-budget/100 || sent < 1 {
			t.Errorf("coarse(%d) = %d", budget, sent)
		}
	}
	if coarse(119_999_873) != coarse(119_998_112) {
		t.Error("two calls of the same moment have different budgets on the wire")
	}
}
