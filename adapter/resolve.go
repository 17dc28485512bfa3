package adapter

// A Resolution says which adapter is meant, and what decided it.
type Resolution struct {
	// Explicit, TestMode, Config and Default are the four inputs; what was not
	// given is empty. The first that names an adapter decides.
	Explicit string
	TestMode Mode
	Config   string
	Default  string
	// Pooling made the pool the adapter of full integration.
	Pooling bool
	// Resolved is the adapter's name, By the input that decided: "explicit",
	// "test_mode", "config" or "default".
	Resolved, By string
}

// Resolve decides which adapter is meant, by the environment and configuration
// of this moment. An explicit name that is not known is not_found; a TEST_MODE
// that is none is passed over.
func (r *Registry) Resolve(explicit string) (Resolution, error) {
	r.mu.RLock()
	cfg := r.cfg
	r.mu.RUnlock()
	res := Resolution{
		Explicit: explicit, TestMode: Mode(cfg.Getenv(ModeVariable)), Config: cfg.Adapter, Default: cfg.Default, Pooling: cfg.Pooling,
	}
	res.decide()
	_, err := r.Lookup(res.Resolved)
	cfg.Logger.Debug("adapter resolved", "explicit", res.Explicit, "test_mode", string(res.TestMode), "config", res.Config,
		"default", res.Default, "pooling", res.Pooling, "resolved", res.Resolved, "by", res.By, "known", err == nil)
	return res, err
}

func (res *Resolution) decide() {
	byMode := TestModes(res.Pooling)[res.TestMode]
	switch {
	case res.Explicit != "":
		res.Resolved, res.By = res.Explicit, "explicit"
	case byMode != "":
		res.Resolved, res.By = byMode, "test_mode"
	case res.Config != "":
		res.Resolved, res.By = res.Config, "config"
	default:
		res.Resolved, res.By = res.Default, "default"
	}
}
