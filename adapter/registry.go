package adapter

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/dspool/dspool/fault"
)

// Open makes the adapter of an entry, or finds the one that there is. It may
// wait for what is starting.
type Open func(ctx context.Context) (Adapter, error)

// RegistryConfig says what a registry chooses by. The zero value works.
type RegistryConfig struct {
	// Adapter is the configured adapter's name. Empty: none.
	Adapter string
	// Default is the adapter of last resort. Defaults to "python_port".
	Default string
	// Pooling makes the pool the adapter of full integration.
	Pooling bool
	// Getenv reads the environment, each time an adapter is resolved. Defaults
	// to os.Getenv.
	Getenv func(string) string
	// Logger hears how each name was resolved, at debug level. Defaults to
	// none.
	Logger *slog.Logger
}

// A Registry knows adapters by name. It is safe for concurrent use.
type Registry struct {
	mu      sync.RWMutex
	cfg     RegistryConfig
	entries map[string]entry
}

type entry struct {
	kind Kind
	open Open
}

// NewRegistry returns a registry that knows the names of the four adapters, and
// none of the adapters themselves: see [Registry.Register].
func NewRegistry(config RegistryConfig) *Registry {
	r := &Registry{entries: map[string]entry{}}
	for _, k := range []Kind{Mock, WireMock, Port, Pool} {
		r.entries[string(k)] = entry{kind: k}
	}
	r.cfg = config.withDefaults()
	return r
}

func (c RegistryConfig) withDefaults() RegistryConfig {
	if c.Default == "" {
		c.Default = NamePort
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Register says how to get the adapter of a name. It replaces what was
// registered before.
func (r *Registry) Register(kind Kind, open Open) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[string(kind)] = entry{kind: kind, open: open}
}

// RegisterAdapter registers an adapter that there is already.
func (r *Registry) RegisterAdapter(kind Kind, a Adapter) {
	r.Register(kind, func(context.Context) (Adapter, error) { return a, nil })
}

// Configure changes what the registry chooses by, from the next use on.
func (r *Registry) Configure(change func(*RegistryConfig)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.cfg)
	r.cfg = r.cfg.withDefaults()
}

// List returns the names, sorted.
func (r *Registry) List() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.entries))
}

// Lookup returns the kind of a name. A name that is not known is not_found.
func (r *Registry) Lookup(name string) (Kind, error) {
	r.mu.RLock()
	e, known := r.entries[name]
	r.mu.RUnlock()
	if !known {
		return "", fault.Newf(fault.NotFound, "there is no adapter %q; adapters are %s", name, strings.Join(r.List(), ", ")).
			WithStarted(fault.StartedNo)
	}
	return e.kind, nil
}

// LookupOrDefault is [Registry.Lookup] that gives the default for an unknown
// name.
func (r *Registry) LookupOrDefault(name string) Kind {
	if kind, err := r.Lookup(name); err == nil {
		return kind
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return Kind(r.cfg.Default)
}

// ForLayer returns the name of the adapter that is made for a layer.
func (r *Registry) ForLayer(layer Layer) (name string, ok bool) {
	for _, name := range r.List() {
		if kind, err := r.Lookup(name); err == nil && slices.Contains(kind.layers(), layer) {
			return name, true
		}
	}
	return "", false
}

// SupportsLayer reports whether the adapter of that name is made for a layer.
func (r *Registry) SupportsLayer(name string, layer Layer) bool {
	kind, err := r.Lookup(name)
	return err == nil && slices.Contains(kind.layers(), layer)
}

// Capabilities tells what the adapter of that name can do, or not_found.
func (r *Registry) Capabilities(name string) (Capabilities, error) {
	kind, err := r.Lookup(name)
	if err != nil {
		return Capabilities{}, err
	}
	return kind.capabilities(), nil
}

// Adapter opens the adapter of a name. It is not_found for a name that is not
// known and unavailable for one of which there is no adapter.
func (r *Registry) Adapter(ctx context.Context, name string) (Adapter, error) {
	if _, err := r.Lookup(name); err != nil {
		return nil, err
	}
	r.mu.RLock()
	open := r.entries[name].open
	r.mu.RUnlock()
	if open == nil {
		return nil, notAvailable(Kind(name))
	}
	return open(ctx)
}

// notAvailable is the error of an adapter that nobody has made.
func notAvailable(kind Kind) *fault.Error {
	switch kind {
	case Port, Pool:
		return fault.Newf(fault.Unavailable, "Python bridge not available: no %s is registered and none is starting", kind).WithStarted(fault.StartedNo)
	default:
		return fault.Newf(fault.Unavailable, "no %s is registered", kind).WithStarted(fault.StartedNo)
	}
}
