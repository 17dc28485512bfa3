package numbers

import "github.com/dspool/dspool"

// A TenantSource has numbers of tenants: a [dspool.Pool] or a [dspool.Single].
type TenantSource interface {
	// Tenants returns the numbers of this moment.
	Tenants() []dspool.TenantStatus
}

// Tenants is the table of a pool's tenants, with the label `tenant` for the id of
// each that has rules of its own. All others are one, [dspool.OtherTenants]:
// callers choose their ids, and must not be able to make series without end.
func Tenants(source TenantSource) Table {
	return tabled(func() []dspool.TenantStatus { return named(source.Tenants()) }, tenantRows())
}

// named sums up the tenants that have no rules of their own.
func named(list []dspool.TenantStatus) []dspool.TenantStatus {
	others := dspool.TenantStatus{ID: dspool.OtherTenants}
	var all []dspool.TenantStatus
	for _, t := range list {
		if t.Named {
			all = append(all, t)
			continue
		}
		others.InFlight += t.InFlight
		others.Queued += t.Queued
		others.Calls += t.Calls
		others.Errors += t.Errors
		others.Refused += t.Refused
	}
	return append(all, others)
}

func tenantRows() []row[[]dspool.TenantStatus] {
	label := []string{"tenant"}
	return []row[[]dspool.TenantStatus]{
		each(Family{Name: "dspool.tenant.calls_total", Type: Counter, Unit: "calls", Labels: label, Help: "Calls of a tenant that were let in."},
			func(t *dspool.TenantStatus, out Sink) { out.Put(float64(t.Calls), t.ID) }),
		each(Family{Name: "dspool.tenant.errors_total", Type: Counter, Unit: "calls", Labels: label, Help: "Calls of a tenant that failed."},
			func(t *dspool.TenantStatus, out Sink) { out.Put(float64(t.Errors), t.ID) }),
		each(Family{Name: "dspool.tenant.refused_total", Type: Counter, Unit: "calls", Labels: label, Help: "Calls of a tenant beyond what it may have at once."},
			func(t *dspool.TenantStatus, out Sink) { out.Put(float64(t.Refused), t.ID) }),
		each(Family{Name: "dspool.tenant.in_flight_calls", Type: Gauge, Unit: "calls", Labels: label, Help: "Calls of a tenant that have not ended."},
			func(t *dspool.TenantStatus, out Sink) { out.Put(float64(t.InFlight), t.ID) }),
		each(Family{Name: "dspool.tenant.queue.length_calls", Type: Gauge, Unit: "calls", Labels: label, Help: "Calls of a tenant that wait for a worker."},
			func(t *dspool.TenantStatus, out Sink) { out.Put(float64(t.Queued), t.ID) }),
	}
}
