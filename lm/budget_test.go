package lm

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
)

func budgets(t *testing.T, limits map[string][]Budget) *Budgets {
	t.Helper()
	b, err := NewBudgets(limits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestATenantThatHasSpentItsBudgetIsRefusedAndNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{body: `{"usage":{"prompt_tokens":600000,"completion_tokens":400000}}`}
		a := &account{
			next: s, model: "openai/m", price: Price{Input: 1, Output: 2, Cached: -1}, priced: true,
			budgets: budgets(t, map[string][]Budget{
				"tokens": {{Tokens: 2_000_000, Per: time.Hour}}, "money": {{USD: 1.5}}, EachTenant: {{Tokens: 500}}, "": {{Tokens: 10}},
			}),
		}
		ask := func(tenant string) error {
			_, err := finish(t.Context(), a, &Request{Tenant: tenant})
			return err
		}
		for tenant, allowed := range map[string]int{"tokens": 2, "money": 2, "someone": 1, "someone else": 1, "": 1} {
			for range allowed {
				if err := ask(tenant); err != nil {
					t.Errorf("%q: %v", tenant, err)
				}
			}
			err := ask(tenant)
			if fault.CodeOf(err) != fault.ResourceExhausted || fault.From(err).Details["tenant"] != tenant {
				t.Errorf("%q: %v, want a refusal", tenant, err)
			}
		}
		if after := fault.From(ask("tokens")).RetryAfter; after <= 0 || after > time.Hour {
			t.Errorf("come back after %s", after)
		}
		if after := fault.From(ask("money")).RetryAfter; after != 0 {
			t.Errorf("a budget for ever says to come back after %s", after)
		}
		_ = sleep(t.Context(), time.Hour+time.Minute)
		if err := ask("tokens"); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		if err := ask("money"); err == nil {
			t.Error("a budget for ever came back")
		}
	})
}

func TestABudgetSlides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := budgets(t, map[string][]Budget{"t": {{Tokens: 100, Per: time.Hour}}})
		spend := func(n int64) { b.spend("t", Use{Usage: Usage{Input: n}}, time.Now()) }
		spend(60)
		_ = sleep(t.Context(), 30*time.Minute)
		spend(60)
		err := b.admit("t", "m", true, time.Now())
		if err == nil {
			t.Fatal("120 of 100 tokens")
		}
		after := fault.From(err).RetryAfter
		if after < 29*time.Minute || after > 31*time.Minute {
			t.Errorf("come back after %s", after)
		}
		_ = sleep(t.Context(), after+time.Second)
		if err := b.admit("t", "m", true, time.Now()); err != nil {
			t.Errorf("after that: %v", err)
		}
		spend(40)
		if err := b.admit("t", "m", true, time.Now()); err == nil {
			t.Error("100 of 100 tokens in the last hour")
		}
	})
}

func TestMoneyNeedsAPrice(t *testing.T) {
	t.Parallel()
	a := &account{next: &slow{}, model: "openai/nobody-knows", budgets: budgets(t, map[string][]Budget{EachTenant: {{USD: 1}}})}
	if _, err := a.Exchange(t.Context(), &Request{Tenant: "t"}); fault.CodeOf(err) != fault.LMNotConfigured || !strings.Contains(err.Error(), "Price") {
		t.Errorf("%v", err)
	}
	if _, err := a.Exchange(t.Context(), &Request{}); err != nil {
		t.Errorf("without a budget: %v", err)
	}
}

func TestBudgetsThatLimitNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, b := range []Budget{{}, {Tokens: -1}, {USD: -1}, {Tokens: 1, Per: -1}} {
		if _, err := NewBudgets(map[string][]Budget{"t": {b}}); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), `Budgets["t"][0]`) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func TestUnknownCostsAreNotNothing(t *testing.T) {
	t.Parallel()
	told := func(a *account, code int, body string) (use Use) {
		a.next = &script{steps: []func() (*Response, error){status(code, body)}}
		_, _ = finish(context.Background(), a, &Request{Told: func(u Use) { use = u }})
		return use
	}
	counted := `{"usage":{"prompt_tokens":10,"completion_tokens":5}}`
	known := &account{price: Price{Input: 1e6, Output: 1e6, Cached: -1}, priced: true}
	tests := map[string]struct {
		a      *account
		status int
		body   string
		want   Cost
	}{
		"known":             {known, 200, counted, Cost{15, true}},
		"no counts":         {known, 200, `{}`, Cost{}},
		"no price":          {&account{}, 200, counted, Cost{}},
		"refused":           {&account{}, 429, `{}`, Cost{0, true}},
		"counted, for free": {&account{priced: true}, 200, counted, Cost{0, true}},
	}
	for name, tt := range tests {
		if got := told(tt.a, tt.status, tt.body).Cost; got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	if sum := (Cost{1, true}).Add(Cost{}); sum.Known || sum.USD != 1 {
		t.Errorf("known and unknown give %+v", sum)
	}
}

func TestTheEmbeddedPrices(t *testing.T) {
	t.Parallel()
	p, err := ParsePrices(pricesJSON)
	if err != nil {
		t.Fatal(err)
	}
	if p.Date.IsZero() || p.Source == "" || len(p.models) < 100 {
		t.Errorf("%d prices of %s from %q", len(p.models), p.Date, p.Source)
	}
	for _, model := range []string{"openai/gpt-4o-mini", "gpt-4o-mini", "openai/gpt-4o-mini?latency=1s", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"} {
		if price, ok := p.Find(model); !ok || price.Input <= 0 || price.Output <= price.Input || price.Cached <= 0 {
			t.Errorf("%s: %+v, %v", model, price, ok)
		}
	}
	if _, ok := p.Find("openai/practice"); ok {
		t.Error("a model that nobody knows has a price")
	}
	cost := Price{Input: 1, Output: 2, Cached: 0.5}.Of(Usage{Input: 3_000_000, Output: 1_000_000, Cached: 1_000_000})
	if cost != (Cost{4.5, true}) {
		t.Errorf("cost %+v, want 4.5", cost)
	}
}

func TestPricesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `{}`, `{"date":"soon"}`, `{"date":"2026-01-01","models":{"m":[1]}}`, `{"date":"2026-01-01","models":{"m":[1,-1]}}`} {
		if _, err := ParsePrices([]byte(raw)); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
