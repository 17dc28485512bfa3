package bench

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dspool/dspool/internal/pyenv"
)

//go:embed python/bench_functions.py
var functions []byte //nolint:gochecknoglobals // embedded, read only

const functionsFile = "bench_functions.py"

// prepare finds the environment and lays the measured functions out in a
// folder that clean removes.
func prepare(ctx context.Context, config Config) (*bencher, func(), error) {
	if config.Scale <= 0 {
		config.Scale = 1
	}
	if config.Progress == nil {
		config.Progress = func(string) {}
	}
	env, err := pyenv.Ensure(ctx, pyenv.Config{Python: config.Python, CacheDir: config.CacheDir})
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	if config.Binary, err = executable(config); err != nil {
		return nil, nil, err
	}
	code, err := os.MkdirTemp("", "dspool-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	clean := func() { _ = os.RemoveAll(code) }
	if err := os.WriteFile(filepath.Join(code, functionsFile), functions, 0o600); err != nil {
		clean()
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	return &bencher{Config: config, code: code, python: env.Python}, clean, nil
}
