package adapter

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
)

// Limits bound an operation of a Factory.
type Limits struct {
	// Timeout bounds each try.
	Timeout time.Duration
	// Retries is how many further tries there are.
	Retries int
}

// LimitsOf are the limits of a layer.
func LimitsOf(layer Layer) Limits {
	switch layer {
	case Layer1:
		return Limits{Timeout: time.Second, Retries: 0}
	case Layer2:
		return Limits{Timeout: 5 * time.Second, Retries: 2}
	case Layer3, Production:
	}
	return Limits{Timeout: 30 * time.Second, Retries: 3}
}

// A Factory creates adapters and runs operations on them. It is safe for
// concurrent use.
type Factory struct {
	registry *Registry
	services *Services
	logger   *slog.Logger
}

// NewFactory returns a Factory over a registry. services may be nil: then no
// requirements are checked beyond the registry's own.
func NewFactory(registry *Registry, services *Services) *Factory {
	return &Factory{registry: registry, services: services, logger: registry.logger()}
}

func (r *Registry) logger() *slog.Logger {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.cfg.Logger
}

// layer returns the layer that is given, or else that of TEST_MODE.
func (f *Factory) layer(given Layer) Layer {
	if given != "" {
		return given
	}
	f.registry.mu.RLock()
	defer f.registry.mu.RUnlock()
	return LayerOf(Mode(f.registry.cfg.Getenv(ModeVariable)))
}

// CreateOptions say which adapter is wanted.
type CreateOptions struct {
	// Name is the adapter's name. Empty: that of Layer, or else what the
	// registry resolves.
	Name string
	// Layer is the test layer it is for. Empty: that of TEST_MODE.
	Layer Layer
	// Validate also runs the adapter's health check.
	Validate bool
}

// Create resolves, opens and checks an adapter. It waits, bounded, for Python
// that is starting. Every error is an *[Error] that says which adapter and layer
// it was for.
func (f *Factory) Create(ctx context.Context, o CreateOptions) (Adapter, error) {
	layer := f.layer(o.Layer)
	name := f.nameFor(o)
	res, err := f.registry.Resolve(name)
	var a Adapter
	if err == nil {
		a, err = f.open(ctx, res.Resolved, layer)
	}
	if err == nil && o.Validate {
		err = a.HealthCheck(ctx)
	}
	if err != nil {
		return nil, Wrap(err, layer, map[string]string{
			"adapter_type": o.Name, "test_layer": string(layer), "resolved_adapter": res.Resolved,
		}).WithOperation(res.Resolved, "create_adapter")
	}
	return a, nil
}

// nameFor is the name that options ask for, "" for what the registry resolves.
func (f *Factory) nameFor(o CreateOptions) string {
	if o.Name != "" || o.Layer == "" {
		return o.Name
	}
	name, _ := f.registry.ForLayer(o.Layer)
	return name
}

// open opens an adapter and holds it against the contract and the layer. The
// four known adapters may be used outside of their own layers.
func (f *Factory) open(ctx context.Context, name string, layer Layer) (Adapter, error) {
	kind, err := f.registry.Lookup(name)
	if err != nil {
		return nil, err
	}
	if err := f.require(ctx, kind, layer); err != nil {
		return nil, err
	}
	a, err := f.registry.Adapter(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := Check(a); err != nil {
		return nil, err
	}
	if slices.Contains([]Kind{Mock, WireMock, Port, Pool}, kind) {
		return a, nil
	}
	return a, CheckLayer(a, layer)
}

// require checks what an adapter needs in its own layer.
func (f *Factory) require(ctx context.Context, kind Kind, layer Layer) error {
	if f.services == nil || kind != Port || layer != Layer3 {
		return nil
	}
	_, err := f.services.Detect(ctx)
	return err
}

// CreateSuite creates several adapters for a layer. If one cannot be created,
// none is returned, and the error is its.
func (f *Factory) CreateSuite(ctx context.Context, layer Layer, names ...string) (map[string]Adapter, error) {
	suite := make(map[string]Adapter, len(names))
	for _, name := range names {
		a, err := f.Create(ctx, CreateOptions{Name: name, Layer: layer})
		if err != nil {
			return nil, err
		}
		suite[name] = a
	}
	return suite, nil
}

// Compatible returns the names of the adapters that are made for a layer.
func (f *Factory) Compatible(layer Layer) []string {
	return slices.DeleteFunc(f.registry.List(), func(name string) bool { return !f.registry.SupportsLayer(name, layer) })
}

// noAdapters is the error of a list without any.
func noAdapters() *fault.Error {
	return fault.New(fault.InvalidArgument, "adapters: give at least one name").WithStarted(fault.StartedNo)
}
