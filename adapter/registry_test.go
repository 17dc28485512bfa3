package adapter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
)

// CHK-57, CHK-64
func TestResolutionOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		explicit, mode, config string
		pooling                bool
		want, by               string
	}{
		"explicit wins":             {"mock", "bridge_mock", "python_pool", true, "mock", "explicit"},
		"then the test mode":        {"", "bridge_mock", "python_pool", false, "bridge_mock", "test_mode"},
		"pooling changes the full":  {"", "full_integration", "mock", true, "python_pool", "test_mode"},
		"no pooling, no pool":       {"", "full_integration", "mock", false, "python_port", "test_mode"},
		"then the configuration":    {"", "", "python_pool", false, "python_pool", "config"},
		"a mode that is none":       {"", "nonsense", "mock", false, "mock", "config"},
		"and the default":           {"", "", "", true, "python_port", "default"},
		"pooling is for modes only": {"python_port", "", "", true, "python_port", "explicit"},
	} {
		var log bytes.Buffer
		r := adapter.NewRegistry(adapter.RegistryConfig{
			Adapter: tt.config, Pooling: tt.pooling, Getenv: environment(adapter.ModeVariable, tt.mode),
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		res, err := r.Resolve(tt.explicit)
		if err != nil || res.Resolved != tt.want || res.By != tt.by {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
		for _, input := range []string{"explicit=", "test_mode=", "config=", "default=", "resolved=" + tt.want} {
			if !strings.Contains(log.String(), input) {
				t.Errorf("%s: the log does not tell %s: %s", name, input, &log)
			}
		}
	}
}

// CHK-61, CHK-103: the mode follows the configuration of the moment.
func TestTheConfigurationIsLookedAtForEachUse(t *testing.T) {
	t.Parallel()
	r := adapter.NewRegistry(adapter.RegistryConfig{Getenv: environment(adapter.ModeVariable, "full_integration")})
	for _, pooling := range []bool{false, true, false} {
		r.Configure(func(c *adapter.RegistryConfig) { c.Pooling = pooling })
		want := map[bool]string{false: adapter.NamePort, true: adapter.NamePool}[pooling]
		if res, err := r.Resolve(""); err != nil || res.Resolved != want {
			t.Errorf("pooling %v: %s, %v", pooling, res.Resolved, err)
		}
	}
}

// CHK-57, CHK-58, CHK-64, CHK-65
func TestTheRegistryKnowsFourNames(t *testing.T) {
	t.Parallel()
	r := adapter.NewRegistry(adapter.RegistryConfig{})
	if got := r.List(); !slices.Equal(got, []string{"bridge_mock", "mock", "python_pool", "python_port"}) {
		t.Errorf("names %v", got)
	}
	for layer, want := range map[adapter.Layer]string{
		adapter.Layer1: "mock", adapter.Layer2: "bridge_mock", adapter.Layer3: "python_port", adapter.Production: "python_pool",
	} {
		if got, ok := r.ForLayer(layer); !ok || got != want || !r.SupportsLayer(want, layer) {
			t.Errorf("%s: %q, %v", layer, got, ok)
		}
	}
	if name, ok := r.ForLayer("layer_9"); ok {
		t.Errorf("layer_9 is %s", name)
	}
	_, err := r.Lookup("nobody")
	wantFault(t, err, fault.NotFound, "nobody", "python_pool")
	if got := r.LookupOrDefault("nobody"); got != adapter.Port {
		t.Errorf("the default is %s", got)
	}
	if got := r.LookupOrDefault("mock"); got != adapter.Mock {
		t.Errorf("mock is %s", got)
	}
	_, err = r.Capabilities("nobody")
	wantFault(t, err, fault.NotFound)
	_, err = r.Resolve("nobody")
	wantFault(t, err, fault.NotFound)
	_, err = r.Adapter(t.Context(), "python_port")
	wantFault(t, err, fault.Unavailable, "Python bridge not available")
	if c, err := r.Capabilities("mock"); err != nil || c.Performance != "fastest" {
		t.Errorf("%+v, %v", c, err)
	}
	if got := adapter.TestModes(false); len(got) != 3 || got[adapter.ModeMock] != "mock" || got[adapter.ModeBridgeMock] != "bridge_mock" || got[adapter.ModeFull] != "python_port" {
		t.Errorf("test modes %v", got)
	}
}

func TestLayersAreParsed(t *testing.T) {
	t.Parallel()
	if l, err := adapter.ParseLayer("layer_2"); err != nil || l != adapter.Layer2 {
		t.Errorf("%s, %v", l, err)
	}
	_, err := adapter.ParseLayer("layer_4")
	wantFault(t, err, fault.InvalidArgument, "layer_4", "layer_1")
	for mode, want := range map[adapter.Mode]adapter.Layer{
		adapter.ModeMock: adapter.Layer1, adapter.ModeBridgeMock: adapter.Layer2, adapter.ModeFull: adapter.Layer3, "else": adapter.Layer3,
	} {
		if got := adapter.LayerOf(mode); got != want {
			t.Errorf("%s is %s", mode, got)
		}
	}
}

// halfAnAdapter lacks what the contract asks for.
type halfAnAdapter struct{}

func (halfAnAdapter) ListPrograms(context.Context) ([]string, error) { return nil, nil }

func (halfAnAdapter) DeleteProgram(context.Context, string) error { return nil }

// CHK-59
func TestWhatIsNoAdapterIsRefused(t *testing.T) {
	t.Parallel()
	wantFault(t, adapter.Check(nil), fault.InvalidArgument, "Failed to load adapter")
	wantFault(t, adapter.Check(halfAnAdapter{}), fault.InvalidArgument, "does not implement required callbacks", "CreateProgram", "ExecuteProgram")
	a := openMock(t, 1)
	if err := adapter.Check(a); err != nil {
		t.Error(err)
	}
	wantFault(t, adapter.CheckLayer(a, adapter.Layer3), fault.Unsupported, "does not support test layer layer_3")
	if err := adapter.CheckLayer(a, adapter.Layer1); err != nil {
		t.Error(err)
	}
	if err := adapter.CheckLayer(halfAnAdapter{}, adapter.Layer3); err != nil {
		t.Errorf("what says no layers: %v", err)
	}
}

// CHK-07: detection waits for what is starting, and says so when it takes too
// long.
func TestDetectionWaitsForWhatIsStarting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := adapter.NewServices(10 * time.Second)
		_, err := s.Detect(t.Context())
		wantFault(t, err, fault.Unavailable, "Python bridge not available")

		done := s.Announce(adapter.Port)
		began := time.Now()
		_, err = s.Detect(t.Context())
		wantFault(t, err, fault.Unavailable, "still starting after 10s")
		if took := time.Since(began); took != 10*time.Second || fault.From(err).RetryAfter == 0 {
			t.Errorf("waited %s, RetryAfter %s", took, fault.From(err).RetryAfter)
		}

		port := over(t, adapter.Port)
		go func() {
			<-time.After(3 * time.Second)
			done(port, nil)
		}()
		began = time.Now()
		if got, err := s.Detect(t.Context()); err != nil || got != port || time.Since(began) != 3*time.Second {
			t.Errorf("%v, %v after %s", got, err, time.Since(began))
		}

		pool := over(t, adapter.Pool)
		s.Add(pool)
		if got, err := s.Detect(t.Context()); err != nil || got != pool {
			t.Errorf("with a pool: %v, %v", got, err)
		}
		_ = pool.Shutdown(t.Context())
		if got, err := s.Detect(t.Context()); err != nil || got != port {
			t.Errorf("with a pool that has stopped: %v, %v", got, err)
		}
		s.Remove(adapter.Port)
		s.Announce(adapter.Port)(nil, errors.New("the interpreter is gone"))
		_, err = s.Detect(t.Context())
		wantFault(t, err, fault.Unavailable, "Python bridge not available", "the interpreter is gone", "stopped")
	})
}

// over returns an adapter of any kind over a mock.
func over(t testing.TB, kind adapter.Kind) *adapter.Local {
	t.Helper()
	m, err := dspool.NewMock(dspool.MockConfig{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.Over(kind, m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnAdapterNeedsAKindAndABackend(t *testing.T) {
	t.Parallel()
	_, err := adapter.Over(adapter.Mock, nil)
	wantFault(t, err, fault.InvalidArgument, "backend")
	m, err := dspool.NewMock(dspool.MockConfig{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = adapter.Over("magic", m)
	wantFault(t, err, fault.InvalidArgument, "magic")
}

// CHK-63
func TestCapabilitiesAreAnObjectWithPerformance(t *testing.T) {
	t.Parallel()
	for kind, want := range map[adapter.Kind]string{
		adapter.Mock: "fastest", adapter.WireMock: "fast", adapter.Port: "slowest", adapter.Pool: "highly_optimized",
	} {
		raw, err := json.Marshal(over(t, kind).Capabilities())
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded(t, raw); got["performance"] != want || got["python_execution"] != (kind == adapter.Port || kind == adapter.Pool) {
			t.Errorf("%s: %s", kind, raw)
		}
	}
}
