package lm

import (
	"net/http"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// BodyLimitDefault is the largest answer of a provider in bytes.
const BodyLimitDefault = 32 << 20

// A Model is a language model as the egress treats it.
type Model struct {
	// Name is the provider's and the model's, as in "openai/gpt-4o-mini".
	Name string
	// Base is the address of its API. "" is the provider's own.
	Base string
	// Key returns its key. Nil: it has none.
	Key KeyFunc
	// Timeout bounds one request until its answer begins. 0: only the call's
	// own budget does.
	Timeout time.Duration
	// Retry says how failed requests are sent again.
	Retry Retry
	// Limits bound what is sent to the provider.
	Limits Limits
	// Price is what the model costs. Nil: what the table of prices says.
	Price *Price
	// Cache answers requests that were seen before, and lets equal ones that
	// are under way share an answer.
	Cache bool
	// CacheID separates its answers from those of others in the cache: a hash
	// of its address and of whose key it uses, that stays the same after a
	// restart. "" is the id that it is added under.
	CacheID string
	// BodyLimit is the largest answer in bytes. Defaults to BodyLimitDefault.
	BodyLimit int64
}

// Config says how an Egress behaves. The zero value works.
type Config struct {
	// Network says how the outside is reached.
	Network Network
	// Cache keeps the answers of models that want that. Nil: a MemoryCache.
	Cache Cache
	// Budgets are what tenants may use. Nil: without limit.
	Budgets *Budgets
	// Prices tells what models cost. Nil: the embedded table.
	Prices *Prices
}

// An Egress sends the requests of workers to language models. Its methods are
// safe for concurrent use.
type Egress struct {
	transport *http.Transport
	cache     Cache
	flights   *flights
	budgets   *Budgets
	ledger    Ledger
	prices    func() *Prices

	mu    sync.RWMutex
	lanes map[string]*lane
}

// New checks a configuration and returns an Egress without models. It opens no
// connection.
func New(cfg Config) (*Egress, error) {
	t, err := cfg.Network.transport()
	if err != nil {
		return nil, err
	}
	if cfg.Cache == nil {
		cfg.Cache = NewMemoryCache(0)
	}
	e := &Egress{
		transport: t, cache: cfg.Cache, flights: newFlights(), budgets: cfg.Budgets, prices: builtinPrices(),
		lanes: make(map[string]*lane),
	}
	if cfg.Prices != nil {
		e.prices = func() *Prices { return cfg.Prices }
	}
	return e, nil
}

// Add makes a model known under an id. The first one under an id stays: an id
// is the hash of all that there is to say about a model.
func (e *Egress) Add(id string, m Model) error {
	base, err := newAddress(m.Name, m.Base)
	if err != nil {
		return err
	}
	if err := m.Limits.Check(); err != nil {
		return fault.Wrap(fault.InvalidArgument, err, "the limits of the language model "+m.Name)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.lanes[id]; !there {
		e.lanes[id] = e.newLane(id, base, m)
	}
	return nil
}

// Remove forgets a model. Requests under way are not touched.
func (e *Egress) Remove(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.lanes, id)
}

func unknown() *fault.Error {
	return fault.New(fault.InvalidArgument, "a worker asked for a language model that this pool does not have")
}

// Totals returns what has been used so far, by model, tenant and program.
func (e *Egress) Totals() []Total { return e.ledger.Totals() }

// Close waits for the requests under way, whose callers have to be gone, and
// ends the connections.
func (e *Egress) Close() {
	e.flights.wait()
	e.transport.CloseIdleConnections()
}
