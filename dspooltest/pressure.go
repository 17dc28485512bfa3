package dspooltest

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
)

//go:embed python/dspooltest_faults.py
var faultsModule []byte //nolint:gochecknoglobals // embedded, read only

const faultsFile = "dspooltest_faults.py"

// faultsPath lays the kit's own Python out in a folder that ends with the test.
func faultsPath(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, faultsFile), faultsModule, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Pressure makes a worker of the Kit hold that many bytes more, for good, or lets
// go of all that it holds with 0. Mock workers only say so. It returns the id
// of the worker, which is the one that a call happens to come to: in a Kit with
// one worker, that one. The mock has no memory of its own: unsupported.
func (k *Kit) Pressure(ctx context.Context, bytes int64) (worker string, err error) {
	reference, input := "dspooltest_faults:hold", map[string]any{"size": bytes}
	switch k.Mode {
	case adapter.ModeMock:
		return "", fault.New(fault.Unsupported, "the mock has no memory of its own")
	case adapter.ModeBridgeMock:
		reference, input = "mock:grow", map[string]any{"bytes": bytes}
	case adapter.ModeFull:
	}
	program, err := dspool.NewFunc(reference)
	if err != nil {
		return "", err //nolint:wrapcheck // says it all
	}
	raw, err := json.Marshal(input)
	if err != nil {
		return "", err //nolint:wrapcheck // says it all
	}
	resp, err := k.Call(ctx, dspool.Request{Program: program, Input: raw})
	return resp.Worker, err //nolint:wrapcheck // says it all
}
