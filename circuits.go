package dspool

import (
	"cmp"
	"slices"
	"sync"
)

// Circuits are circuits by name, all made from one configuration at their
// first use: one per program, provider or tenant. Safe for concurrent use. They
// are kept until [Circuits.Forget]: names come from a set that has an end.
type Circuits struct {
	cfg BreakerConfig

	mu     sync.Mutex
	byName map[string]*Circuit
}

// NewCircuits returns an empty registry. The name in the configuration has no
// meaning.
func NewCircuits(config BreakerConfig) (*Circuits, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Circuits{cfg: config, byName: map[string]*Circuit{}}, nil
}

// Circuit returns the circuit of that name, and makes it if there is none.
func (c *Circuits) Circuit(name string) *Circuit {
	c.mu.Lock()
	defer c.mu.Unlock()
	circuit, known := c.byName[name]
	if !known {
		config := c.cfg
		config.Name = name
		circuit = newCircuit(config)
		c.byName[name] = circuit
	}
	return circuit
}

// Lookup returns the circuit of that name, if there is one.
func (c *Circuits) Lookup(name string) (*Circuit, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	circuit, known := c.byName[name]
	return circuit, known
}

// Guard puts the circuit of that name before a Runner.
func (c *Circuits) Guard(name string, runner Runner) *Breaker { return c.Circuit(name).Guard(runner) }

// Forget drops the circuit of that name. Breakers that have it keep it.
func (c *Circuits) Forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byName, name)
}

// Status returns a view of every circuit, by name.
func (c *Circuits) Status() []CircuitStatus {
	c.mu.Lock()
	circuits := make([]*Circuit, 0, len(c.byName))
	for _, circuit := range c.byName {
		circuits = append(circuits, circuit)
	}
	c.mu.Unlock()
	list := make([]CircuitStatus, 0, len(circuits))
	for _, circuit := range circuits {
		list = append(list, circuit.Status())
	}
	slices.SortFunc(list, func(a, b CircuitStatus) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
