package dspool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

func TestWrongTenantsAreRefusedWithTheirPaths(t *testing.T) {
	t.Parallel()
	config := dspool.Config{Tenants: dspool.Tenants{KnownOnly: true, Known: map[string]dspool.Tenant{
		"":      {},
		"a\x1f": {},
		"acme": {
			LM: dspool.LM{Timeout: -1}, LMs: map[string]dspool.LM{"": {Model: "openai/x"}, "big": {}},
			Budgets: []lm.Budget{{Tokens: 1}, {}}, InFlight: -1, Queue: -2, Weight: 1001,
		},
		"*": {Weight: -1},
	}}}
	err := config.Validate()
	for _, path := range []string{
		"Config.Tenants.Known: must not have an empty id",
		`Config.Tenants.Known["a\x1f"]: is no id`,
		`Config.Tenants.Known["acme"].LM.Model`, `Config.Tenants.Known["acme"].LM.Timeout`,
		`Config.Tenants.Known["acme"].LMs: must not have an empty name`, `Config.Tenants.Known["acme"].LMs["big"].Model`,
		`Config.Tenants.Known["acme"].Budgets: [1]`, `Config.Tenants.Known["acme"].InFlight`,
		`Config.Tenants.Known["acme"].Queue`, `Config.Tenants.Known["acme"].Weight: must be 0 to 1000, got 1001`,
		`Config.Tenants.Known["*"].Weight`, "Config.Tenants.KnownOnly",
	} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%v\ndoes not say %s", err, path)
		}
	}
	pool := mockPool(t, nil)
	for id, tenant := range map[string]dspool.Tenant{"": {}, "\n": {}, "acme": {Weight: -1}} {
		if err := pool.ConfigureTenant(id, tenant); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("ConfigureTenant(%q): %v", id, err)
		}
	}
}

func TestAPoolMayWantATenantWithEveryCall(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Tenants.Required = true })
	ctx := testkit.Context(t, time.Minute)
	_, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantFault(t, err, fault.InvalidArgument, "Tenant: must not be empty")
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo"), Tenant: "acme"}); err != nil {
		t.Error(err)
	}
}

func TestATenantHasALimitOfCallsInFlight(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) {
		c.Tenants.Known = map[string]dspool.Tenant{"acme": {InFlight: 1}}
	})
	ctx, cancel := context.WithCancel(testkit.Context(t, time.Minute))
	defer cancel()
	held := make(chan error, 1)
	events := record(ctx, pool)
	go func() {
		_, err := pool.Call(ctx, dspool.Request{Program: mock(t, "heed"), Tenant: "acme"})
		held <- err
	}()
	if ev := events.await(t, dspool.CallStarted); ev.Tenant != "acme" {
		t.Errorf("the event names the tenant %q", ev.Tenant)
	}
	_, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo"), Tenant: "acme"})
	wantFault(t, err, fault.ResourceExhausted, "acme", "InFlight")
	for _, err := range pool.Stream(ctx, dspool.Request{Program: mock(t, "echo"), Tenant: "acme"}) {
		wantFault(t, err, fault.ResourceExhausted)
	}
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo"), Tenant: "other"}); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	cancel()
	if err := <-held; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: mock(t, "echo"), Tenant: "acme"}); err != nil {
		t.Errorf("after the end of the first one: %v", err)
	}
	list := pool.Tenants()
	if len(list) != 2 || list[0] != (dspool.TenantStatus{ID: "acme", Named: true, Calls: 2, Errors: 1, Refused: 2}) ||
		list[1] != (dspool.TenantStatus{ID: "other", Calls: 1}) {
		t.Errorf("Tenants() = %+v", list)
	}
}

// The same id is another session for another tenant, in the table, in its store
// and to the Runner below.
func TestSessionsOfTenantsAreApart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := &dspool.MemoryStore{}
	runner := says(`{"answer":"42"}`)
	table := sessionsOver(t, runner, dspool.SessionsConfig{Store: store})
	spec := predict(t, "history: dspy.History, question: str -> answer: str")
	tenants := []string{"", "acme", "other"}
	for _, tenant := range tenants {
		s := table.Session("s", dspool.SessionTenant(tenant))
		if turns, err := s.History(ctx); err != nil || len(turns) != 0 || s.Tenant() != tenant {
			t.Errorf("%q begins with %d turns, %v", tenant, len(turns), err)
		}
		_, err := s.CreateProgram(ctx, "of "+tenant, spec)
		wantNoError(t, err)
		_, err = s.Call(ctx, dspool.Request{Program: spec, Input: []byte(`{"question":"who is ` + tenant + `?"}`), Tenant: tenant})
		wantNoError(t, err)
		if got := runner.last(); got.Tenant != tenant || got.Session != "s" {
			t.Errorf("the Runner was asked for session %q of %q", got.Session, got.Tenant)
		}
	}
	_, err := table.Session("s", dspool.SessionTenant("acme")).Call(ctx, dspool.Request{Program: spec, Tenant: "other"})
	wantFault(t, err, fault.InvalidArgument, "Tenant: ")
	_, err = table.Session("s").Call(ctx, dspool.Request{Program: spec, Tenant: "acme"})
	wantFault(t, err, fault.InvalidArgument, "Tenant: ")
	wantFault(t, table.Session("s", dspool.SessionTenant("*")).Validate(), fault.InvalidArgument)
	wantNoError(t, table.Stop(ctx))

	table = sessionsOver(t, runner, dspool.SessionsConfig{Store: store})
	for _, tenant := range tenants {
		s := table.Session("s", dspool.SessionTenant(tenant))
		turns, err := s.History(ctx)
		if err != nil || len(turns) != 1 || !strings.Contains(string(turns[0].Message), "who is "+tenant+"?") {
			t.Errorf("%q came back with %v, %v", tenant, turns, err)
		}
		if ids := programIDs(t, s); len(ids) != 1 || ids[0] != "of "+tenant {
			t.Errorf("%q has the programs %q", tenant, ids)
		}
		if info, err := s.Info(ctx); err != nil || info.Tenant != tenant || info.ID != "s" {
			t.Errorf("%q: %+v, %v", tenant, info, err)
		}
	}
	wantNoError(t, table.Session("s", dspool.SessionTenant("acme")).End(ctx))
	list, err := table.List(ctx)
	if err != nil || len(list) != 2 || list[0].Tenant != "" || list[1].Tenant != "other" {
		t.Errorf("after the end of acme's: %+v, %v", list, err)
	}
	if ids, _ := store.List(ctx); len(ids) != 2 {
		t.Errorf("the store has %q", ids)
	}
	wantNoError(t, table.EndSession(ctx, "s"))
	wantFault(t, table.EndSession(ctx, "s"), fault.NotFound)
}
