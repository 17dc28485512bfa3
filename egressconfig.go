package dspool

import (
	"github.com/dspool/dspool/lm"
)

// Egress says how the host asks language models for its workers. The zero
// value works.
type Egress struct {
	// Network is the proxy and the certificates. Defaults to the proxy of the
	// environment and the system's certificates.
	Network lm.Network
	// Cache keeps the answers of LMs with Cache set. Nil: in memory, up to
	// 64 MiB. Package lmbolt has one that stays on disk.
	Cache lm.Cache
	// Budgets are what tenants may use, by tenant: "" is calls without one, "*"
	// each tenant that is not named. Nil: without limit.
	Budgets map[string][]lm.Budget
	// Prices tells what models cost. Nil: a table that dspool carries; LM.Price
	// goes before either.
	Prices *lm.Prices
}

// open makes the egress of a pool and what it keeps of budgets. It does no I/O
// but reads Network.CAFile.
func (e Egress) open() (*lm.Egress, *lm.Budgets, error) {
	budgets, err := lm.NewBudgets(e.Budgets)
	if err != nil {
		return nil, nil, err
	}
	made, err := lm.New(lm.Config{Network: e.Network, Cache: e.Cache, Budgets: budgets, Prices: e.Prices})
	return made, budgets, err
}

func (e Egress) check(k *checker) {
	if _, _, err := e.open(); err != nil {
		k.must(false, "Egress", "%s", err)
	}
}

// LMTotals returns what the pool's language models have used since the pool
// was made, by model, tenant and program: what the host has asked for its
// workers, not what workers asked by themselves. It may be called at any time.
func (p *Pool) LMTotals() []lm.Total { return p.egress.Totals() }

// LMLoads returns what each of the pool's language models has to do at the
// moment. It may be called at any time.
func (p *Pool) LMLoads() []lm.Load { return p.egress.Loads() }

// LMLoads returns what each language model has to do, as [Pool.LMLoads] does.
func (s *Single) LMLoads() []lm.Load { return s.pool.LMLoads() }

// LMTotals returns what the language models have used, as [Pool.LMTotals] does.
func (s *Single) LMTotals() []lm.Total { return s.pool.LMTotals() }
