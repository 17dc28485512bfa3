package conformance

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// count adds one to the counter of a tenant's session.
func count(t testing.TB, r dspool.Runner, tenant, session string) (n int) {
	t.Helper()
	req := request(t, session, "Counter", "add", `{"n":1}`)
	req.Tenant = tenant
	resp, err := r.Call(bounded(t), req)
	if err != nil {
		t.Fatalf("tenant %q, session %q: %v", tenant, session, err)
	}
	if err := json.Unmarshal(resp.Output, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tenantsApart: the same session id is another session for each tenant, with
// objects of its own, and ends alone.
func tenantsApart(t *testing.T, subject Subject) {
	r, ok := subject.(interface {
		ReleaseTenantSession(tenant, session string)
	})
	if !ok {
		t.Fatal("the subject cannot release sessions of tenants")
	}
	for want := 1; want <= 3; want++ {
		for _, tenant := range []string{"", "acme", "other"} {
			if got := count(t, subject, tenant, "shared name"); got != want {
				t.Errorf("call %d of tenant %q found a counter at %d", want, tenant, got)
			}
		}
	}
	r.ReleaseTenantSession("acme", "shared name")
	for tenant, want := range map[string]int{"": 4, "acme": 1, "other": 4} {
		if got := count(t, subject, tenant, "shared name"); got != want {
			t.Errorf("after the end of acme's session tenant %q has %d, want %d", tenant, got, want)
		}
	}
	for _, tenant := range []string{"", "acme", "other"} {
		r.ReleaseTenantSession(tenant, "shared name")
	}
}

func (s *suite) badTenants(t *testing.T) {
	t.Parallel()
	for name, tenant := range map[string]string{
		"10 kB": strings.Repeat("t", 10_000), "control characters": "a\x1fb", "not UTF-8": "\xff", "everybody": "*",
	} {
		_, err := s.shared.Call(bounded(t), dspool.Request{Program: program(t, "echo"), Tenant: tenant})
		f := want(t, err, fault.InvalidArgument)
		if wantStarted(t, f, fault.StartedNo); f.Details["path"] != "Tenant" || !strings.HasPrefix(f.Message, "Tenant: ") {
			t.Errorf("%s: %v %v", name, f.Message, f.Details)
		}
	}
	if _, err := s.shared.Call(bounded(t), dspool.Request{Program: program(t, "echo"), Tenant: "acme & söhne"}); err != nil {
		t.Errorf("a tenant with spaces and letters: %v", err)
	}
}
