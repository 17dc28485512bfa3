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

// promises is how many ids the checklist has.
const promises = 132

// docs/BEHAVIOURS.md has each id once, and the tests that it names exist.
func TestEveryBehaviourIsProvedOrReplaced(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/BEHAVIOURS.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := testSources(t)
	seen := map[string]bool{}
	row := regexp.MustCompile(`(?m)^\| (CHK-\d+) \| (.+) \| (.+) \|$`)
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		id, what, proof := m[1], m[2], m[3]
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		names := namedTests(proof)
		if len(names) == 0 && !strings.Contains(strings.ToLower(proof), "replaced") {
			t.Errorf("%s names no test: %s", id, proof)
		}
		if len(what) < 10 {
			t.Errorf("%s does not say what is promised: %q", id, what)
		}
		for _, name := range names {
			if !strings.Contains(sources, name) {
				t.Errorf("%s is proved by %s, which does not exist", id, name)
			}
		}
	}
	for n := 1; n <= promises; n++ {
		if id := fmt.Sprintf("CHK-%02d", n); !seen[id] {
			t.Errorf("%s is not there", id)
		}
	}
}

// namedTests finds tests of Go and Python, and cases of the conformance suite in
// quotation marks, as they stand in the sources.
func namedTests(proof string) []string {
	var names []string
	for _, name := range regexp.MustCompile(`\b(Test[A-Z]\w+|Fuzz[A-Z]\w+)`).FindAllString(proof, -1) {
		names = append(names, "func "+name+"(")
	}
	names = append(names, regexp.MustCompile(`\btest_\w+`).FindAllString(proof, -1)...)
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(proof, -1) {
		names = append(names, `"`+m[1]+`"`)
	}
	return names
}

// testSources joins everything that can hold a test.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(name, "."):
			return filepath.SkipDir
		case strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, ".py"), strings.HasPrefix(filepath.ToSlash(path), "internal/conformance/"):
			all.WriteString(path + "\n")
			if entry.IsDir() {
				return nil
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			all.Write(raw)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
