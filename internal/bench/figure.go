package bench

import (
	"fmt"
	"io"
	"strings"
)

// A Figure is one measured value and what it has to reach.
type Figure struct {
	// Name is stable: scripts read it.
	Name string `json:"name"`
	// Value in Unit, "ratio" or "ms".
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Target is the bound, and AtLeast tells on which side of it good is.
	Target  float64 `json:"target"`
	AtLeast bool    `json:"at_least"`
	// Compared says what the value was compared with.
	Compared string `json:"compared"`
	// Raw holds the measurements behind the value, by name.
	Raw map[string]float64 `json:"raw"`
}

// Met reports whether the figure reaches its target.
func (f Figure) Met() bool {
	if f.AtLeast {
		return f.Value >= f.Target
	}
	return f.Value <= f.Target
}

func (f Figure) bound() string {
	if f.AtLeast {
		return fmt.Sprintf(">= %g", f.Target)
	}
	return fmt.Sprintf("<= %g", f.Target)
}

// A Report is what one run measured.
type Report struct {
	// When is the start of the run, RFC 3339.
	When string `json:"when"`
	// Machine describes where it ran, in words.
	Machine string   `json:"machine"`
	Figures []Figure `json:"figures"`
}

// Flat returns the report in the shape that scripts want: each figure's value
// by its name, and all there is under "figures".
func (r Report) Flat() map[string]any {
	flat := map[string]any{"when": r.When, "machine": r.Machine, "figures": r.Figures}
	for _, f := range r.Figures {
		flat[f.Name] = f.Value
	}
	return flat
}

// Missed returns the names of the figures that do not reach their target.
func (r Report) Missed() []string {
	var missed []string
	for _, f := range r.Figures {
		if !f.Met() {
			missed = append(missed, f.Name)
		}
	}
	return missed
}

// WriteTable prints the report for a terminal of 80 columns or more.
func (r Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %12s %10s  %-4s  %s\n", "figure", "value", "target", "", "compared with")
	for _, f := range r.Figures {
		verdict := "ok"
		if !f.Met() {
			verdict = "MISS"
		}
		value := fmt.Sprintf("%.2f", f.Value)
		if f.Unit == "ms" {
			value += " ms"
		}
		fmt.Fprintf(&b, "%-22s %12s %10s  %-4s  %s\n", f.Name, value, f.bound(), verdict, f.Compared)
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}
