package dspool_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every pitfall has a test that checks plain DSPy too, and every test that the
// table names is there.
func TestTheTableOfPitfallsNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("docs/PITFALLS.md")
	if err != nil {
		t.Fatal(err)
	}
	known := testsOfTheTree(t)
	rows := regexp.MustCompile(`(?m)^\| (\d+) \|.*\| ([^|]+) \|$`).FindAllSubmatch(table, -1)
	if len(rows) != 20 {
		t.Fatalf("the table has %d pitfalls, want 20", len(rows))
	}
	for i, row := range rows {
		names := regexp.MustCompile("`(\\w+)`").FindAllSubmatch(row[2], -1)
		both := fmt.Sprintf("test_%02d_", i+1)
		if string(row[1]) != fmt.Sprint(i+1) || len(names) == 0 || !strings.HasPrefix(string(names[0][1]), both) {
			t.Errorf("row %s does not begin with a test %s...", row[1], both)
		}
		for _, name := range names {
			if !known[string(name[1])] {
				t.Errorf("row %s names %s, which does not exist", row[1], name[1])
			}
		}
	}
}

// testsOfTheTree are the names of all tests in both languages.
func testsOfTheTree(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	define := regexp.MustCompile(`(?m)^(?:func|def) ((?:Test|test_)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(name, ".") && name != ".":
			return filepath.SkipDir
		case !strings.HasSuffix(name, "_test.go") && !(strings.HasPrefix(name, "test_") && strings.HasSuffix(name, ".py")):
			return nil
		}
		source, err := os.ReadFile(path)
		for _, found := range define.FindAllSubmatch(source, -1) {
			known[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}
