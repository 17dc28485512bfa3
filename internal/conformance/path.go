package conformance

import (
	_ "embed"
	"os"
	"path/filepath"
	"testing"
)

//go:embed testdata/mock.py
var module []byte //nolint:gochecknoglobals // embedded, read only

// Path lays the suite's programs in Python out in a folder that ends with the
// test.
func Path(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "mock.py"), module, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}
