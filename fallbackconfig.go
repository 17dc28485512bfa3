package dspool

import (
	"fmt"
	"time"

	"github.com/dspool/dspool/internal/breaker"
)

// Defaults of FallbackConfig.
const (
	FallbackFailuresDefault = 3
	FallbackPauseDefault    = time.Second
	FallbackPauseMaxDefault = time.Minute
)

// A Layer is one Runner of a [Fallback].
type Layer struct {
	// Name is what events, Status and Response.Layer call it. Required, and
	// unlike that of any other layer.
	Name string
	// Runner serves the calls. Required.
	Runner Runner
	// Timeout is how long a call may spend in this layer. A call that it ends
	// before it has begun goes on to the next layer. 0 is no limit: without one
	// a layer that hangs spends the whole budget of its calls.
	Timeout time.Duration
}

// FallbackConfig says when calls pass over a layer. The zero value works.
type FallbackConfig struct {
	// Name is what events and Status call it. Defaults to "fallback".
	Name string
	// Failures in a row put a layer out of use. One is enough if the layer says
	// itself that it serves nobody: unavailable, shutting_down. Only failures
	// that cascade count. Defaults to 3.
	Failures int
	// Pause is how long a layer is passed over before one call tries it again.
	// It doubles each time that this call fails, up to PauseMax. Default to
	// 1 s and 1 min.
	Pause, PauseMax time.Duration
	// Overload lets calls go on that found a layer's queue full, or waited in
	// it for too long. Set it where the next layer has room of its own.
	Overload bool
	// Providers lets calls go on that failed because of the language model's
	// provider. Set it where the layers ask different providers.
	Providers bool
}

func (c FallbackConfig) withDefaults() FallbackConfig {
	c.Name = or(c.Name, "fallback")
	c.Failures = or(c.Failures, FallbackFailuresDefault)
	c.Pause = or(c.Pause, FallbackPauseDefault)
	c.PauseMax = or(c.PauseMax, max(FallbackPauseMaxDefault, c.Pause))
	return c
}

// Validate returns everything that is wrong with the configuration in one
// error, each part with the path of its field, or nil.
func (c FallbackConfig) Validate() error {
	k := &checker{path: "FallbackConfig"}
	c.check(k)
	return k.verdict()
}

func (c FallbackConfig) check(k *checker) {
	c = c.withDefaults()
	k.must(c.Failures >= 1, "Failures", "must be at least 1, got %d", c.Failures)
	k.must(c.Pause > 0, "Pause", "must be positive, got %s", c.Pause)
	k.must(c.PauseMax >= c.Pause, "PauseMax", "must not be less than Pause (%s), got %s", c.Pause, c.PauseMax)
}

func checkLayers(k *checker, layers []Layer) {
	k.must(len(layers) > 0, "layers", "must not be empty")
	seen := map[string]bool{}
	for i, l := range layers {
		at := fmt.Sprintf("layers[%d]", i)
		k.must(l.Name != "", at+".Name", "must not be empty")
		k.must(l.Name == "" || !seen[l.Name], at+".Name", "must be unlike the others, %q is not", l.Name)
		k.must(l.Runner != nil, at+".Runner", "must not be nil")
		k.must(l.Timeout >= 0, at+".Timeout", "must not be negative, got %s", l.Timeout)
		seen[l.Name] = true
	}
}

// core is the circuit of one layer: one probe at a time, whose success brings
// everybody back.
func (c FallbackConfig) core(changed func(breaker.Change)) breaker.Config {
	return breaker.Config{
		Failures: c.Failures, Pause: c.Pause, PauseMax: c.PauseMax,
		Probes: 1, Successes: 1, Relapses: 1, Changed: changed,
	}
}
