package bench

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dspool/dspool/internal/pyenv"
)

//go:embed python/*.py
var code embed.FS //nolint:gochecknoglobals // embedded, read only

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
	if config.Peers, config.PeersPython, err = absolutePeers(config); err != nil {
		return nil, nil, err
	}
	folder, err := os.MkdirTemp("", "dspool-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	clean := func() { _ = os.RemoveAll(folder) }
	if err := os.CopyFS(folder, code); err != nil {
		clean()
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	return &bencher{Config: config, code: filepath.Join(folder, "python"), python: env.Python}, clean, nil
}

// absolutePeers makes both paths independent of the working directory, which
// is another one for the peers.
func absolutePeers(config Config) (folder, python string, err error) {
	if config.Peers == "" {
		return "", "", nil
	}
	if config.PeersPython == "" {
		return "", "", errors.New("bench: the peers need an interpreter of their own environment")
	}
	if folder, err = filepath.Abs(config.Peers); err == nil {
		python, err = filepath.Abs(config.PeersPython)
	}
	if err == nil {
		_, err = os.Stat(python)
	}
	if err != nil {
		return "", "", fmt.Errorf("bench: the peers: %w", err)
	}
	return folder, python, nil
}
