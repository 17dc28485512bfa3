package pyworker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Hash returns a name for the contents of fsys: it changes when a file's name
// or bytes change. It reads every file (about 0.2 ms for the package).
func Hash(fsys fs.FS) (string, error) {
	sum := sha256.New()
	err := walk(fsys, func(name string, data []byte) error {
		fmt.Fprintf(sum, "%s\x00%d\x00", name, len(data))
		sum.Write(data)
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// Unpack makes sure that the files of fsys are in a folder under parent whose
// name is their [Hash], and returns that folder: it belongs on PYTHONPATH.
//
// When the folder is complete nothing is written, so parent may be read-only.
// Many processes may unpack at the same time: each writes a folder of its own
// and the first rename wins.
func Unpack(fsys fs.FS, parent string) (string, error) {
	hash, err := Hash(fsys)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(parent, hash)
	if complete(fsys, folder) {
		return folder, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("unpack the worker's files: %w", err)
	}
	fresh, err := os.MkdirTemp(parent, ".unpacking-*")
	if err != nil {
		return "", fmt.Errorf("unpack the worker's files: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := write(fsys, fresh); err != nil {
		return "", fmt.Errorf("unpack the worker's files: %w", err)
	}
	return folder, publish(fsys, fresh, folder)
}

// publish puts a fresh folder into its place. A folder that is in the way and
// not complete (a cleaner of old files was here) is moved aside first.
func publish(fsys fs.FS, fresh, folder string) error {
	if err := os.Chmod(fresh, 0o755); err != nil {
		return fmt.Errorf("unpack the worker's files: %w", err)
	}
	for range 3 {
		err := os.Rename(fresh, folder)
		if err == nil || complete(fsys, folder) {
			return nil
		}
		aside := fresh + ".old"
		if os.Rename(folder, aside) == nil {
			defer os.RemoveAll(aside)
		}
	}
	return fmt.Errorf("unpack the worker's files: cannot put them into %s", folder)
}

// complete reports whether every file is in folder with its full length: what
// cleaners of old files and full disks do to a cache folder shows in that.
func complete(fsys fs.FS, folder string) bool {
	return fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		want, err := entry.Info()
		if err != nil {
			return err
		}
		got, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name)))
		if err == nil && got.Size() != want.Size() {
			err = fs.ErrInvalid
		}
		return err
	}) == nil
}

func write(fsys fs.FS, folder string) error {
	return walk(fsys, func(name string, data []byte) error {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	})
}

// walk calls f for every file of fsys, in the order of their names.
func walk(fsys fs.FS, f func(name string, data []byte) error) error {
	return fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return f(name, data)
	})
}
