// Package python holds the Python code that the examples and `dspool demo`
// run on workers, as an ordinary user of dspool would write it.
package python

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed *.py
var files embed.FS

// Unpack writes the Python files into a new temporary folder and returns it.
// The folder is the caller's to remove.
func Unpack() (string, error) {
	folder, err := os.MkdirTemp("", "dspool-example-")
	if err != nil {
		return "", err
	}
	if err := unpack(folder); err != nil {
		_ = os.RemoveAll(folder) // the first error says more
		return "", err
	}
	return folder, nil
}

func unpack(folder string) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, path), raw, 0o600)
	})
}
