package cli

import (
	"testing"

	"github.com/dspool/dspool"
)

func TestDoctorShowsConditions(t *testing.T) {
	t.Parallel()
	good := dspool.HealthReport{Status: dspool.HealthStatusHealthy, Healthy: 2, Total: 2}
	if got := healthChecks(good); len(got) != 1 || worst(got) != checkOK {
		t.Errorf("%+v", got)
	}
	bad := dspool.HealthReport{
		Status: dspool.HealthStatusDegraded, Healthy: 1, Total: 2,
		Workers: []dspool.WorkerHealth{{ID: "w1", Error: "it did not answer a ping within 1s"}},
		Conditions: []dspool.Condition{
			{Code: dspool.LoopLagHigh, Severity: dspool.SeverityWarning, Worker: "w2", Text: "its event loop is 2s late"},
			{Code: dspool.SpawnFallback, Severity: dspool.SeverityWarning, Text: "told already"},
			{Code: dspool.SourceRestarted, Severity: dspool.SeverityInfo, Text: "nothing to do"},
		},
	}
	got := healthChecks(bad)
	if len(got) != 2 || worst(got) != checkFail || got[1].Name != "loop_lag_high" || got[1].Found != "w2 its event loop is 2s late" {
		t.Errorf("%+v", got)
	}
}
