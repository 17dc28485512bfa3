package numbers_test

import (
	"fmt"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/numbers"
)

// crowd is a source with one tenant that has rules and many that have none.
type crowd struct{}

func (crowd) Tenants() []dspool.TenantStatus {
	list := []dspool.TenantStatus{{ID: "acme", Named: true, Calls: 7, Errors: 2, InFlight: 1}}
	for i := range 500 {
		list = append(list, dspool.TenantStatus{ID: fmt.Sprint(i), Calls: 2, Refused: 1})
	}
	return list
}

// labelled collects what a family has, by label.
type labelled map[string]float64

func (v labelled) Put(value float64, labels ...string) { v[labels[0]] = value }
func (v labelled) Spread(dspool.Distribution)          {}

// Callers choose their ids: tenants without rules of their own are one series.
func TestTenantsWithoutRulesAreOneSeries(t *testing.T) {
	t.Parallel()
	table := numbers.Tenants(crowd{})
	got := map[string]labelled{}
	var sinks []numbers.Sink
	for _, f := range table.Families() {
		got[f.Name] = labelled{}
		sinks = append(sinks, got[f.Name])
	}
	table.Read(sinks)
	for name, want := range map[string]labelled{
		"dspool.tenant.calls_total":     {"acme": 7, dspool.OtherTenants: 1000},
		"dspool.tenant.errors_total":    {"acme": 2, dspool.OtherTenants: 0},
		"dspool.tenant.refused_total":   {"acme": 0, dspool.OtherTenants: 500},
		"dspool.tenant.in_flight_calls": {"acme": 1, dspool.OtherTenants: 0},
	} {
		if fmt.Sprint(got[name]) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
