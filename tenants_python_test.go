package dspool_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

// keyOf is the key of a tenant of these tests.
func keyOf(tenant string) dspool.Secret { return dspool.Secret("sk-key-of-" + tenant) }

// tenantsPool starts a pool with n tenants that have a language model each, on
// the same practice server and with their own keys.
func tenantsPool(t *testing.T, n int, change func(*dspool.Config)) (*dspool.Pool, *dspooltest.PracticeLM, []string) {
	t.Helper()
	var tenants []string
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.LM.Cache = true
		c.Tenants.Known = map[string]dspool.Tenant{}
		for i := range n {
			tenant := fmt.Sprintf("tenant-%02d", i)
			own := c.LM
			own.APIKey = keyOf(tenant)
			c.Tenants.Known[tenant] = dspool.Tenant{LM: own}
			tenants = append(tenants, tenant)
		}
		if change != nil {
			change(c)
		}
	})
	return pool, practice, tenants
}

// A thousand calls of twenty tenants at once, the same program and the same
// inputs for all: each question of a tenant is asked once, with its own key, and
// usage is counted for whom it was.
func TestAThousandCallsOfTwentyTenantsStayApart(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	const questions, repeats = 10, 5
	pool, practice, tenants := tenantsPool(t, 20, nil)
	ctx := testkit.Context(t, 2*time.Minute)
	spec, err := dspool.NewPredict("question: str -> answer: str", "", dspool.Named("asker"), dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	var mu sync.Mutex
	used, free := map[string]int64{}, map[string]int{}
	for i := range questions * repeats {
		for _, tenant := range tenants {
			callers.Go(func() {
				resp, err := pool.Call(ctx, dspool.Request{
					Program: spec, Tenant: tenant, Input: json.RawMessage(fmt.Sprintf(`{"question":"What is %d+1?"}`, i%questions)),
				})
				if err != nil {
					t.Errorf("%s: %v", tenant, err)
					return
				}
				if want := fmt.Sprint(i%questions + 1); !strings.Contains(string(resp.Output), want) {
					t.Errorf("%s: %s, want %s", tenant, resp.Output, want)
				}
				mu.Lock()
				defer mu.Unlock()
				used[tenant] += resp.Usage.Total().Total
				free[tenant] += resp.CacheHits
			})
		}
	}
	if err := practice.WaitRequests(ctx, 60); err != nil { // some answers are kept, some under way: now lose a worker
		t.Error(err)
	}
	_ = syscall.Kill(pool.Status().Workers[0].PID, syscall.SIGKILL)
	callers.Wait()
	counted := map[string]lm.Total{}
	for _, total := range pool.LMTotals() {
		counted[total.Tenant] = total
	}
	for _, tenant := range tenants {
		asked := practice.Stats().ByKey[dspooltest.KeyHash(string(keyOf(tenant)))]
		if asked < questions || asked > 2*questions { // those under way in the lost worker were asked again
			t.Errorf("%s: its key was used for %d requests, want %d and a few", tenant, asked, questions)
		}
		total := counted[tenant]
		if paid := total.Requests - total.Cached - total.Shared - total.Failed; paid < questions || paid > asked {
			t.Errorf("%s: %d answers were counted and %d requests made", tenant, paid, asked)
		}
		if all := total.Usage.Input + total.Usage.Output; used[tenant] == 0 || used[tenant] > all {
			t.Errorf("%s: its calls tell of %d tokens, its total of %d", tenant, used[tenant], all)
		}
		if free[tenant] == 0 {
			t.Errorf("%s: no answer was shared or kept", tenant)
		}
	}
	if n := practice.Stats().ByKey[dspooltest.KeyHash(theSecret)]; n != 0 {
		t.Errorf("the pool's own key was used for %d requests", n)
	}
}

// Tenants of the same language model and the same key do not see each other's
// kept answers, and what one has used does not count for another.
func TestTenantsWithTheSameKeyShareNoAnswers(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.LM.Cache = true
		c.Tenants.Known = map[string]dspool.Tenant{"poor": {Budgets: []lm.Budget{{Tokens: 1}}}}
	})
	ctx := testkit.Context(t, time.Minute)
	spec, err := dspool.NewPredict("question: str -> answer: str", "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(tenant, question string) (dspool.Response, error) {
		input, _ := json.Marshal(map[string]string{"question": question})
		return pool.Call(ctx, dspool.Request{Program: spec, Tenant: tenant, Input: input})
	}
	for want, tenant := range []string{"", "acme", "poor"} {
		for range 2 {
			if _, err := ask(tenant, "Who are you?"); err != nil {
				t.Fatalf("%q: %v", tenant, err)
			}
			if n := practice.Stats().Requests; n != int64(want)+1 {
				t.Errorf("after %q %d requests were made, want %d", tenant, n, want+1)
			}
		}
	}
	_, err = ask("poor", "And now?")
	wantFault(t, err, "resource_exhausted", `"poor"`)
	if _, err := ask("acme", "And now?"); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if err := pool.ConfigureTenant("poor", dspool.Tenant{}); err != nil {
		t.Fatal(err)
	}
	if _, err := ask("poor", "And now?"); err != nil {
		t.Errorf("without its budget: %v", err)
	}
}

// The conversation of one tenant never reaches the language model of another,
// though both call their session the same.
func TestConversationsOfTenantsStayApart(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	heard := &prompts{lm: dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})}
	server := httptest.NewServer(heard)
	t.Cleanup(server.Close)
	pool, _, tenants := tenantsPool(t, 2, func(c *dspool.Config) {
		for id, tenant := range c.Tenants.Known {
			tenant.LM.APIBase = server.URL + "/v1"
			c.Tenants.Known[id] = tenant
		}
	})
	ctx := testkit.Context(t, time.Minute)
	spec, err := dspool.NewPredict("history: dspy.History, question: str -> answer: str", "")
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		for i, tenant := range tenants {
			s := pool.Session("the same", dspool.SessionTenant(tenant))
			input := json.RawMessage(fmt.Sprintf(`{"question":"I am %s, round %d."}`, tenant, round))
			if _, err := s.Call(ctx, dspool.Request{Program: spec, Input: input}); err != nil {
				t.Fatal(err)
			}
			prompt := strings.Join(heard.last(), "\n")
			if n := strings.Count(prompt, "I am "+tenant+", round"); n < round+1 {
				t.Errorf("round %d: %s was told %d of its own turns", round, tenant, n)
			}
			if other := tenants[1-i]; strings.Contains(prompt, other) {
				t.Errorf("round %d: %s was told of %s", round, tenant, other)
			}
		}
	}
}
