package pyworker_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/dspool/dspool/pyworker"
)

func tree() fstest.MapFS {
	return fstest.MapFS{
		"p/__init__.py": {Data: []byte("")},
		"p/a.py":        {Data: []byte("A = 1\n")},
	}
}

func unpack(t *testing.T, files fstest.MapFS, parent string) string {
	t.Helper()
	folder, err := pyworker.Unpack(files, parent)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestUnpackTwiceGivesTheSameFolderAndWritesOnce(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	folder := unpack(t, tree(), parent)
	before, err := os.Stat(filepath.Join(folder, "p", "a.py"))
	if err != nil {
		t.Fatal(err)
	}
	if again := unpack(t, tree(), parent); again != folder {
		t.Errorf("second folder %s, first %s", again, folder)
	}
	after, err := os.Stat(filepath.Join(folder, "p", "a.py"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was written again (%v)", err)
	}
}

func TestOtherContentsGoIntoAnotherFolder(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	other := tree()
	other["p/a.py"] = &fstest.MapFile{Data: []byte("A = 2\n")}
	if unpack(t, tree(), parent) == unpack(t, other, parent) {
		t.Error("two contents share one folder")
	}
}

func TestDamagedFolderIsMendedAndNoLitterStays(t *testing.T) {
	t.Parallel()
	damage := map[string]func(file string) error{
		"file removed":   os.Remove,
		"file shortened": func(file string) error { return os.Truncate(file, 1) },
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			file := filepath.Join(unpack(t, tree(), parent), "p", "a.py")
			if err := do(file); err != nil {
				t.Fatal(err)
			}
			unpack(t, tree(), parent)
			if data, err := os.ReadFile(file); err != nil || string(data) != "A = 1\n" {
				t.Errorf("after mending: %q, %v", data, err)
			}
			if entries, _ := os.ReadDir(parent); len(entries) != 1 {
				t.Errorf("left over: %v", entries)
			}
		})
	}
}

func TestManyUnpackAtOnce(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := pyworker.Unpack(tree(), parent); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("want one folder, got %v", entries)
	}
}

func TestUnpackIntoAReadOnlyFolderSaysSo(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(parent, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pyworker.Unpack(tree(), parent); err == nil {
		t.Error("no error for a parent that is a file")
	}
}

func BenchmarkUnpackWhenComplete(b *testing.B) {
	parent := b.TempDir()
	if _, err := pyworker.Unpack(pyworker.Files(), parent); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := pyworker.Unpack(pyworker.Files(), parent); err != nil {
			b.Fatal(err)
		}
	}
}
