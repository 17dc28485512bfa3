package pyworker_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dspool/dspool/pyworker"
)

// The binary carries exactly what lies in the folder: a module that is missing
// here would be missing in every worker.
func TestEmbeddedNamesAreTheFoldersNames(t *testing.T) {
	t.Parallel()
	embedded := filesOf(t, pyworker.Files(), pyworker.Folder)
	onDisk := filesOf(t, os.DirFS("."), pyworker.Folder)
	if !slices.Equal(embedded, onDisk) {
		t.Errorf("embedded %v, on disk %v", embedded, onDisk)
	}
	for _, name := range []string{"__init__.py", "__main__.py", "py.typed"} {
		if !slices.Contains(embedded, pyworker.Folder+"/"+name) {
			t.Errorf("%s is not embedded", name)
		}
	}
}

// A lock that names an index would send users to somebody else's mirror.
func TestLockIsPinnedHashedAndNamesNoAddress(t *testing.T) {
	t.Parallel()
	lock := pyworker.Lock()
	if strings.Contains(lock, "://") {
		t.Error("the lock names an address")
	}
	for _, line := range strings.Split(lock, "\n") {
		switch {
		case line == "", strings.HasPrefix(line, "#"), strings.HasPrefix(line, " "):
		case !strings.Contains(line, "==") || !strings.HasSuffix(line, `\`):
			t.Errorf("not pinned with a hash: %q", line)
		}
	}
	for _, name := range []string{"\ndspy==3.4.1 ", "\nmsgspec==", "\nuvloop=="} {
		if !strings.Contains(lock, name) {
			t.Errorf("%q is not in the lock", name)
		}
	}
}

func TestUnpackedPackageIsWhatWasEmbedded(t *testing.T) {
	t.Parallel()
	folder, err := pyworker.Unpack(pyworker.Files(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want, err := pyworker.Hash(pyworker.Files())
	if err != nil {
		t.Fatal(err)
	}
	got, err := pyworker.Hash(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	if got != want || filepath.Base(folder) != want {
		t.Errorf("unpacked %s in %s, embedded %s", got, folder, want)
	}
}

// filesOf lists the files below a folder, without what Python caches there.
func filesOf(t *testing.T, fsys fs.FS, folder string) (names []string) {
	t.Helper()
	err := fs.WalkDir(fsys, folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == "__pycache__":
			return fs.SkipDir
		case !entry.IsDir() && !strings.HasPrefix(entry.Name(), "."):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
