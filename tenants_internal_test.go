package dspool

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/lm"
)

// aTenantTable is a table with the language models "big" and the default of the
// pool, and those of acme and of everybody else.
func aTenantTable(t *testing.T, c Tenants) (*tenantTable, *lmTable) {
	t.Helper()
	egress, err := lm.New(lm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	budgets, err := lm.NewBudgets(nil)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{LM: model("pool"), LMs: map[string]LM{"big": model("pool-big")}, Tenants: c}
	lms, err := newLMTable(config, catalog.New(100), egress)
	if err != nil {
		t.Fatal(err)
	}
	table, err := newTenantTable(config, lms, budgets)
	if err != nil {
		t.Fatal(err)
	}
	return table, lms
}

func model(name string) LM { return LM{Model: "openai/" + name, APIKey: Secret("key-of-" + name)} }

// chosen is the model that a name means to a tenant, or how its call fails.
func chosen(lms *lmTable, table *tenantTable, tenant, name string) string {
	var rules *tenantRules
	if tenant != "" {
		s, err := table.enter(tenant)
		if err != nil {
			return string(fault.CodeOf(err))
		}
		defer s.leave(nil)
		rules = s.rules.Load()
	}
	hash, err := lms.choose(&Request{LM: name, Program: &Spec{}}, rules)
	if err != nil {
		return fault.From(err).Message
	}
	for _, e := range lms.view.Load().entries {
		if e.hash == hash {
			return e.lm.Model
		}
	}
	return "none"
}

func TestNamesOfLanguageModelsMeanWhatTheyMeanToTheTenant(t *testing.T) {
	t.Parallel()
	table, lms := aTenantTable(t, Tenants{Known: map[string]Tenant{
		"acme":     {LM: model("acme"), LMs: map[string]LM{"own": model("acme-own")}},
		"shut":     {LMs: map[string]LM{"own": model("shut-own")}, OwnLMs: true},
		EachTenant: {LMs: map[string]LM{"big": model("each-big")}},
	}})
	const unknown = "LM: the pool has no language model named %q; it has: %s"
	for _, tt := range []struct{ tenant, name, want string }{
		{"", "", "openai/pool"},
		{"", "big", "openai/pool-big"},
		{"", "own", fmt.Sprintf(unknown, "own", "big")},
		{"acme", "", "openai/acme"},
		{"acme", "big", "openai/pool-big"}, // it is named: what everybody else has is not for it
		{"acme", "own", "openai/acme-own"},
		{"acme", "acme\x1fown", fmt.Sprintf(unknown, "acme\x1fown", "big, own")},
		{"shut", "", "none"},
		{"shut", "big", fmt.Sprintf(unknown, "big", "own")},
		{"other", "", "openai/pool"},
		{"other", "big", "openai/each-big"},
		{"other", "own", fmt.Sprintf(unknown, "own", "big")},
	} {
		if got := chosen(lms, table, tt.tenant, tt.name); got != tt.want {
			t.Errorf("%q of %q is %s, want %s", tt.name, tt.tenant, got, tt.want)
		}
	}
}

// A call may ask the language models that its tenant has names for, those that
// were replaced a moment ago included, and no other tenant's.
func TestACallReachesItsOwnLanguageModelsOnly(t *testing.T) {
	t.Parallel()
	table, lms := aTenantTable(t, Tenants{Known: map[string]Tenant{"acme": {LM: model("acme")}, "shut": {OwnLMs: true}}})
	rules := func(tenant string) *tenantRules { return table.rulesOf(tenant) }
	acme, pool := lms.view.Load().entries[scoped("acme", "")].host, lms.view.Load().entries[""].host
	for _, replaced := range []bool{false, true} {
		for _, tt := range []struct {
			who   *tenantRules
			id    string
			reach bool
		}{
			{rules("acme"), acme, true},
			{rules("acme"), pool, true},
			{rules("other"), acme, false},
			{rules("other"), pool, true},
			{rules("shut"), pool, false},
			{nil, acme, false},
			{nil, pool, true},
			{nil, "?", false},
		} {
			if got := lms.reaches(tt.who, tt.id); got != tt.reach {
				t.Errorf("replaced %v: %+v reaches %s: %v, want %v", replaced, tt.who, tt.id, got, tt.reach)
			}
		}
		if err := table.configure("acme", Tenant{LM: model("new")}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTenantsAreConfiguredWhileCallsAreMade(t *testing.T) {
	t.Parallel()
	table, lms := aTenantTable(t, Tenants{})
	if got := chosen(lms, table, "acme", ""); got != "openai/pool" {
		t.Errorf("before: %s", got)
	}
	for i := range 3 {
		name := fmt.Sprint("acme-", i)
		if err := table.configure("acme", Tenant{LM: model(name), LMs: map[string]LM{name: model(name)}, Weight: i}); err != nil {
			t.Fatal(err)
		}
		if got := chosen(lms, table, "acme", ""); got != "openai/"+name {
			t.Errorf("configured as %s, has %s", name, got)
		}
		if got := table.live["acme"].turn().Weight; got != i {
			t.Errorf("weight %d, want %d", got, i)
		}
	}
	if n := len(lms.view.Load().entries); n != 4 {
		t.Errorf("%d names are left, want the pool's two and two of acme's", n)
	}
	if err := table.configure("acme", Tenant{LM: model("x"), InFlight: 1}); err != nil {
		t.Fatal(err)
	}
	s, err := table.enter("acme")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.enter("acme"); fault.CodeOf(err) != fault.ResourceExhausted {
		t.Errorf("a second call in flight: %v", err)
	}
	s.leave(nil)
	table.unconfigure("acme")
	table.unconfigure("acme")
	if got := chosen(lms, table, "acme", ""); got != "openai/pool" {
		t.Errorf("forgotten, has %s", got)
	}
	got := table.status(nil)[0]
	if want := (TenantStatus{ID: "acme", Calls: got.Calls, Refused: 1}); got != want || got.Calls == 0 {
		t.Errorf("status %+v, want %+v", got, want)
	}
}

// However many tenants there are, memory is bounded and no call is uncounted.
func TestTenantsBeyondTheLimitAreSummedUp(t *testing.T) {
	t.Parallel()
	table, _ := aTenantTable(t, Tenants{})
	stays, err := table.enter("stays")
	if err != nil {
		t.Fatal(err)
	}
	const n = 2*tenantsMax + 10
	for i := range n {
		s, err := table.enter(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		s.leave(nil)
	}
	list := table.status(nil)
	if len(list) > tenantsMax+1 || list[0].ID != "stays" || list[0].InFlight != 1 {
		t.Errorf("%d tenants are told apart, the first one is %+v", len(list), list[0])
	}
	total := int64(0)
	for _, s := range list {
		total += s.Calls
	}
	if total != n+1 {
		t.Errorf("%d calls were counted, want %d", total, n+1)
	}
	stays.leave(nil)
}

// A tenant's language models fall back to its own of that name, or else to the
// pool's, and then reach those; nobody else reaches a tenant's by a fallback.
func TestATenantsLanguageModelsFallBackToItsOwn(t *testing.T) {
	t.Parallel()
	falling := func(name, to string) LM {
		l := model(name)
		l.Fallback = []Failover{{LM: to}}
		return l
	}
	table, lms := aTenantTable(t, Tenants{Known: map[string]Tenant{
		"acme": {LM: falling("acme", "big"), LMs: map[string]LM{"big": model("acme-big")}},
		"shut": {LM: falling("shut", "big"), OwnLMs: true},
	}})
	entries := lms.view.Load().entries
	id := func(tenant, name string) string { return entries[scoped(tenant, name)].host }
	for tenant, want := range map[string][]string{
		"acme": {id("acme", ""), id("acme", "big")}, "shut": {id("shut", ""), id("", "big")},
	} {
		if got := entries[scoped(tenant, "")].reach; !slices.Equal(got, want) {
			t.Errorf("%s leads to %q, want %q", tenant, got, want)
		}
	}
	if !lms.reaches(table.rulesOf("shut"), id("", "big")) || lms.reaches(table.rulesOf("shut"), id("", "")) {
		t.Error("a tenant with language models of its own reaches the wrong ones of the pool")
	}
	if lms.reaches(table.rulesOf("other"), id("acme", "big")) {
		t.Error("another tenant reaches acme's")
	}
	if err := (LM{Model: "openai/x", Fallback: []Failover{{LM: scoped("acme", "big")}}}).Validate(); err == nil {
		t.Error("a language model of the pool falls back to one of a tenant")
	}
	err := table.configure("acme", Tenant{LM: falling("acme", "nowhere")})
	if err == nil || !strings.Contains(err.Error(), "Tenant.LM.Fallback[0].LM") {
		t.Errorf("a fallback to nowhere: %v", err)
	}
}

func TestStrangersAreRefusedAndForgotten(t *testing.T) {
	t.Parallel()
	table, lms := aTenantTable(t, Tenants{Known: map[string]Tenant{"acme": {}}, KnownOnly: true})
	for range 3 {
		if got := chosen(lms, table, "stranger", ""); got != string(fault.InvalidArgument) {
			t.Errorf("a stranger gets %s", got)
		}
	}
	if len(table.live) != 0 {
		t.Errorf("%d strangers are remembered", len(table.live))
	}
	if err := table.configure("stranger", Tenant{}); err != nil {
		t.Fatal(err)
	}
	if got := chosen(lms, table, "stranger", ""); got != "openai/pool" {
		t.Errorf("no stranger any more, it gets %s", got)
	}
	table.unconfigure("stranger")
	if got := chosen(lms, table, "stranger", ""); got != string(fault.InvalidArgument) {
		t.Errorf("a stranger again, it gets %s", got)
	}
}
