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
	embedded, err := fs.Glob(pyworker.Files(), pyworker.Folder+"/*")
	if err != nil {
		t.Fatal(err)
	}
	var onDisk []string
	entries, err := os.ReadDir(pyworker.Folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch {
		case entry.Name() == "__pycache__" || strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			t.Errorf("%s is a folder: the embed pattern takes files of one folder only", entry.Name())
		default:
			onDisk = append(onDisk, pyworker.Folder+"/"+entry.Name())
		}
	}
	slices.Sort(onDisk)
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
