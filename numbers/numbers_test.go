package numbers_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/lm"
	"github.com/dspool/dspool/numbers"
)

// idle is a source that nothing has happened to.
type idle struct{}

func (idle) Stats() dspool.Stats  { return dspool.Stats{} }
func (idle) LMTotals() []lm.Total { return nil }
func (idle) LMLoads() []lm.Load   { return nil }

// all is every table, in the order of the page.
func all(t *testing.T) numbers.Table {
	t.Helper()
	circuits, err := dspool.NewCircuits(dspool.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	retries, err := numbers.Retries()
	if err != nil {
		t.Fatal(err)
	}
	fallbacks, err := numbers.Fallbacks()
	if err != nil {
		t.Fatal(err)
	}
	return numbers.Pool(idle{}).Plus(retries).Plus(numbers.Circuits(circuits)).Plus(fallbacks).Plus(numbers.Tenants(crowd{}))
}

// The page lists exactly what the tables have, under both names.
func TestThePageListsEveryFamily(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, f := range all(t).Families() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s | %s, %s | %s | %s |\n",
			f.Prometheus(), f.OpenTelemetry(), f.Type, f.Unit, f.UCUM(), strings.Join(f.Labels, ", "), f.Help)
	}
	var got strings.Builder
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `dspool_") {
			got.WriteString(line)
		}
	}
	if got.String() != want.String() {
		t.Errorf("docs/METRICS.md has\n%s\nand should have\n%s", got.String(), want.String())
	}
}

func TestNamesFollowTheRulesOfBoth(t *testing.T) {
	t.Parallel()
	prometheus := regexp.MustCompile(`^dspool(_[a-z]+)+$`)
	// A name of OpenTelemetry is in a namespace and says neither unit nor type.
	telemetry := regexp.MustCompile(`^dspool(\.[a-z]+(_[a-z]+)*)+$`)
	kind := regexp.MustCompile(`_(total|seconds|bytes|ratio|calls)$`)
	ucum := regexp.MustCompile(`^(s|By|1|\{[a-z]+\})$`)
	seen := map[string]bool{}
	for _, f := range all(t).Families() {
		p, o := f.Prometheus(), f.OpenTelemetry()
		if !prometheus.MatchString(p) || strings.HasSuffix(p, "_total") != (f.Type == numbers.Counter) {
			t.Errorf("%s is no name of a %s in Prometheus", p, f.Type)
		}
		if !telemetry.MatchString(o) || kind.MatchString(o) {
			t.Errorf("%s is no name in OpenTelemetry", o)
		}
		if !ucum.MatchString(f.UCUM()) {
			t.Errorf("%s has the unit %q", o, f.UCUM())
		}
		if f.Help == "" || seen[p] || seen[o] {
			t.Errorf("%s, %s: help %q, or a name that is there twice", p, o, f.Help)
		}
		seen[p], seen[o] = true, true
	}
}

// A namespace is no name: dspool.a and dspool.a.b cannot both be.
func TestNoNameIsANamespace(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range all(t).Families() {
		names = append(names, f.OpenTelemetry())
	}
	for _, name := range names {
		if slices.ContainsFunc(names, func(other string) bool { return strings.HasPrefix(other, name+".") }) {
			t.Errorf("%s is a namespace as well", name)
		}
	}
}

// counted is a Sink that counts.
type counted struct{ put, spread *int }

func (c counted) Put(float64, ...string)     { *c.put++ }
func (c counted) Spread(dspool.Distribution) { *c.spread++ }

func TestTablesAreReadTogether(t *testing.T) {
	t.Parallel()
	both := all(t).Plus(numbers.Table{}).Plus(all(t))
	families := both.Families()
	sinks := make([]numbers.Sink, len(families))
	put, spread := make([]int, len(families)), make([]int, len(families))
	for i := range sinks {
		sinks[i] = counted{&put[i], &spread[i]}
	}
	both.Read(sinks)
	for i, f := range families {
		if f.Type == numbers.Histogram && (spread[i] != 1 || put[i] != 0) || f.Type != numbers.Histogram && spread[i] != 0 {
			t.Errorf("%s, a %s, was put %d times and spread %d", f.Name, f.Type, put[i], spread[i])
		}
	}
}
