package dspool_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/dspool/dspool"

// layers lists the packages of this module from the ground up. A package
// imports packages of lower layers only. A new package is entered here, at the
// lowest place that its imports allow; a name that ends in "/..." stands for
// all below it.
func layers() [][]string {
	return [][]string{
		{"fault", "pyworker", "examples/python", "internal/sample", "internal/catalog", "internal/delay", "internal/feed", "internal/mark", "internal/tap"},
		{"dspooltest/internal/answer", "internal/wire", "internal/process", "internal/pyenv", "internal/dispatch", "internal/lifecycle", "internal/scale", "internal/validate", "internal/breaker", "internal/health", "internal/boltfile"},
		{"internal/mux", "internal/wiremock", "internal/zygotemock", "internal/gotype"},
		{"internal/worker", "internal/testkit", "signature", "lm"},
		{"internal/supervise", "lmbolt"},
		{"."},
		{"adapter", "httpapi", "sessionbolt", "cluster", "cluster/...", "internal/conformance", "numbers", "history"},
		{"dspooltest", "metrics", "otel"},
		{"dashboard", "internal/bench", "internal/chaos"},
		{"internal/soak"},
		{"internal/cli"},
		{"cmd/dspool", "examples", "examples/...", "bench/..."},
	}
}

// A ban is an import that a package must not have, and why. Paths are exact, or
// end in "/..." for all below.
type ban struct {
	from, imports []string
	except        []string
	why           string
}

func bans() []ban {
	return []ban{
		{
			from: []string{"fault"}, imports: []string{"github.com/...", "golang.org/...", "go.uber.org/..."},
			why: "fault is the leaf that everything stands on: the standard library only",
		},
		{
			from: []string{"internal/wire"}, imports: []string{"net", "net/...", "os", "os/...", "syscall", "golang.org/x/sys/..."},
			why: "wire is pure bytes: whoever does the I/O can test it without any",
		},
		{
			from: []string{"internal/mux"}, imports: []string{"os", "os/...", modulePath + "/internal/process", modulePath + "/internal/worker"},
			why: "a connection does not know what is at its other end; worker brings process and mux together",
		},
		{
			from:    []string{"internal/dispatch", "internal/lifecycle", "internal/feed", "internal/delay", "internal/catalog", "internal/validate", "internal/gotype", "internal/sample", "signature"},
			imports: []string{"net", "net/...", "os", "os/...", "syscall", modulePath + "/internal/wire"},
			why:     "decisions and descriptions do no I/O: their tests run in a bubble of virtual time",
		},
		{
			from: []string{".", "internal/supervise", "internal/worker", "internal/mux", "internal/process"}, imports: []string{"net/http", "net/http/..."},
			why: "the pool listens to nobody; HTTP lives in httpapi and lm",
		},
		{
			from: []string{"..."}, except: []string{"cluster", "cluster/..."}, imports: []string{"github.com/nats-io/..."},
			why: "a user who wants no cluster gets none of its dependencies",
		},
		{
			from: []string{"..."}, except: []string{"sessionbolt", "lmbolt", "internal/boltfile"}, imports: []string{"go.etcd.io/..."},
			why: "a user whose sessions and answers may end with the process gets no database",
		},
		{
			from: []string{"..."}, except: []string{"metrics", "httpapi", "internal/cli"}, imports: []string{"github.com/prometheus/..."},
			why: "a user who scrapes nothing gets none of Prometheus",
		},
		{
			from: []string{"..."}, except: []string{"otel"}, imports: []string{"go.opentelemetry.io/..."},
			why: "a user who traces nothing gets none of OpenTelemetry",
		},
		{
			from: []string{"..."}, except: []string{"internal/cli", "cmd/dspool"}, imports: []string{"github.com/spf13/..."},
			why: "the library knows nothing of command lines",
		},
		{
			from: []string{"..."}, except: []string{"internal/testkit", "internal/conformance", "dspooltest", "internal/zygotemock"},
			imports: []string{"testing", "testing/...", "go.uber.org/goleak", modulePath + "/internal/testkit", modulePath + "/internal/wiremock", modulePath + "/internal/zygotemock"},
			why:     "test tools stay out of what users run",
		},
	}
}

// A listedPackage is what `go list` says about a package; Imports are those of
// its non-test files.
type listedPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// listPackages returns the packages of this module and all that they stand on.
func listPackages(t *testing.T) map[string]listedPackage {
	t.Helper()
	cmd := exec.CommandContext(soon(t), "go", "list", "-e", "-deps", "-json=ImportPath,Imports,Standard", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	out := map[string]listedPackage{}
	for d := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out[p.ImportPath] = p
	}
}

// local returns the part of an import path that follows the module's, "." for
// the module itself.
func local(path string) (string, bool) {
	if path == modulePath {
		return ".", true
	}
	return strings.CutPrefix(path, modulePath+"/")
}

// matches reports whether a path is one of the patterns.
func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, all := strings.CutSuffix(p, "...")
		return path == p || all && strings.HasPrefix(path, prefix)
	})
}

func layerOf(name string) int {
	return slices.IndexFunc(layers(), func(layer []string) bool { return matches(name, layer) })
}

func TestImportsPointDownwards(t *testing.T) {
	t.Parallel()
	for path, p := range listPackages(t) {
		name, ours := local(path)
		if !ours {
			continue
		}
		own := layerOf(name)
		if own < 0 {
			t.Errorf("%s has no layer: enter it into layers() of this test", name)
		}
		for _, imported := range p.Imports {
			if other, ours := local(imported); ours && own >= 0 && layerOf(other) >= own {
				t.Errorf("%s imports %s, which is not below it: imports go one way", name, other)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	for _, b := range bans() {
		for path, p := range packages {
			name, ours := local(path)
			if !ours || name != "." && !matches(name, b.from) || name == "." && !slices.Contains(b.from, ".") && !slices.Contains(b.from, "...") || matches(name, b.except) {
				continue
			}
			for _, imported := range p.Imports {
				if matches(imported, b.imports) {
					t.Errorf("%s must not import %s: %s", name, imported, b.why)
				}
			}
		}
	}
}

// A program that embeds the pool carries few dependencies.
func TestThePoolStandsOnFewModules(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	allowed := []string{"github.com/google/jsonschema-go/...", "golang.org/x/sys/..."}
	seen := map[string]bool{}
	var visit func(path string)
	visit = func(path string) {
		p, known := packages[path]
		if seen[path] || !known || p.Standard {
			return
		}
		seen[path] = true
		if _, ours := local(path); !ours && !matches(path, allowed) {
			t.Errorf("the pool depends on %s: see docs/decisions/0005-dependencies.md", path)
		}
		for _, imported := range p.Imports {
			visit(imported)
		}
	}
	visit(modulePath)
	if !seen[modulePath+"/fault"] {
		t.Error("the walk did not reach the module's own packages")
	}
}
