package chaos

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/pyenv"
)

//go:embed python/chaos_functions.py
var functions []byte //nolint:gochecknoglobals // embedded, read only

const functionsFile = "chaos_functions.py"

// Pool returns a pool, not started, that serves the function of chaos, which is
// laid out in the folder.
func Pool(ctx context.Context, c Config, folder string, env ...string) (*dspool.Pool, error) {
	config := dspool.Config{
		Workers: c.Workers, Command: c.Command, Env: env,
		// Kills come faster than a healthy pool loses workers. To it that is a
		// crash loop, and it would be right; here it is the weather.
		Restart:   dspool.Restart{Failures: 1 << 30},
		QueueSize: max(dspool.QueueSizeDefault, c.Callers),
	}
	if len(c.Command) == 0 {
		env, err := pyenv.Ensure(ctx, pyenv.Config{Python: c.Python, CacheDir: c.CacheDir})
		if err != nil {
			return nil, fmt.Errorf("chaos: %w", err)
		}
		config.Python, config.CacheDir, config.Path = env.Python, c.CacheDir, []string{folder}
		if err := os.WriteFile(filepath.Join(folder, functionsFile), functions, 0o600); err != nil {
			return nil, fmt.Errorf("chaos: %w", err)
		}
	}
	pool, err := dspool.New(config)
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	return pool, nil
}

// Program is the function that is called, on a mock worker or in Python.
func Program(c Config) (*dspool.Spec, error) {
	reference := "chaos_functions:work"
	if len(c.Command) > 0 {
		reference = "mock:work"
	}
	if c.Idempotent {
		return dspool.NewFunc(reference, dspool.Idempotent()) //nolint:wrapcheck // says it all
	}
	return dspool.NewFunc(reference) //nolint:wrapcheck // says it all
}
