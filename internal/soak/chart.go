package soak

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// chartWidth is how many columns a chart has.
const chartWidth = 40

// chart draws values as a row of blocks, from the least to the greatest.
func chart(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	low, high := slices.Min(values), slices.Max(values)
	var b strings.Builder
	width := min(chartWidth, len(values))
	for i := range width {
		part := values[i*len(values)/width : max(i*len(values)/width+1, (i+1)*len(values)/width)]
		v, level := slices.Max(part), 0
		if high > low {
			level = int((v - low) / (high - low) * float64(len(blocks)-1))
		}
		b.WriteRune(blocks[level])
	}
	return b.String()
}

// WriteTable writes the trends for people, each with a chart of all its samples.
func (r Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "series\tfirst\tmedian\tmax\tgrowth\tmay be\tflat\tover time")
	for _, s := range r.Trends {
		flat := "yes"
		if !s.Flat {
			flat = "NO"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, amount(s.First, s.Unit), amount(s.Median, s.Unit),
			amount(s.Max, s.Unit), amount(s.Growth, s.Unit), amount(s.Limit, s.Unit), flat, chart(s.Values))
	}
	return t.Flush() //nolint:wrapcheck // says it all
}

func amount(v float64, unit string) string {
	if unit == "bytes" {
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	}
	return fmt.Sprintf("%.1f", v)
}
