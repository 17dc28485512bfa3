package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dspool/dspool"
)

// What is printed fits a terminal of 80 columns.
const (
	lineWidth  = 79
	labelWidth = 12
	// troublesShown bounds what a failure of everything prints.
	troublesShown = 5
)

// heading begins a step.
func (d *demo) heading(title, detail string) {
	d.step++
	d.printf("\n%s  %s\n", d.paint.bold(fmt.Sprintf("%d. %s", d.step, title)), d.paint.faint(detail))
}

// line prints a label and a text that is wrapped beside it.
func (d *demo) line(label, text string) {
	w := &wrapper{app: d.app, label: label}
	w.write(text)
	w.end()
}

// ask runs a typed program and prints its inputs and outputs.
func ask[In, Out any](ctx context.Context, d *demo, p dspool.Program[In, Out], in In) (out Out, err error) {
	req, err := p.Request(in)
	if err != nil {
		return out, err
	}
	d.object(req.Input)
	resp, err := d.pool.Call(ctx, req)
	if err != nil {
		return out, err
	}
	d.object(resp.Output)
	result, err := p.Result(resp)
	return result.Output, err
}

// object prints the members of an object.
func (d *demo) object(raw json.RawMessage) {
	names, values, _ := members(raw)
	for i, name := range names {
		d.line(name, plainValue(values[i]))
	}
}

// trouble notes what went wrong, and prints the first few.
func (d *demo) trouble(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if d.troubles = append(d.troubles, text); len(d.troubles) > troublesShown {
		return
	}
	d.printf("%s %s\n", d.paint.bad("wrong:"), text)
}

// table prints the figures and tells whether all was right.
func (d *demo) table(start time.Duration, s *storm) error {
	rows := [][2]string{
		{"start to first worker", seconds(start)},
		{"calls answered", fmt.Sprintf("%d of %d", d.calls+s.answered, d.calls+s.size)},
		{"p50, p99 of the " + fmt.Sprint(s.size), seconds(s.quantile(50)) + ", " + seconds(s.quantile(99))},
		{"throughput", fmt.Sprintf("%.0f calls/s", float64(s.answered)/s.took.Seconds())},
		{"recovery after SIGKILL", seconds(s.recovery)},
	}
	d.printf("\n%s\n", d.paint.bold(fmt.Sprintf("%-24s%s", "what", "figure")))
	d.printf("%s\n", strings.Repeat("-", 44))
	for _, row := range rows {
		d.printf("%-24s%s\n", row[0], row[1])
	}
	if len(d.troubles) > 0 {
		d.printf("\n%s\n", d.paint.bad(fmt.Sprintf("%d things went wrong, see above", len(d.troubles))))
		return silentError{ExitFailure}
	}
	d.printf("\n%s\n", d.paint.good("every call was answered"))
	return nil
}

// seconds writes a duration with three digits or so.
func seconds(t time.Duration) string {
	switch {
	case t >= 10*time.Second:
		return fmt.Sprintf("%.1f s", t.Seconds())
	case t >= time.Second:
		return fmt.Sprintf("%.2f s", t.Seconds())
	default:
		return fmt.Sprintf("%.0f ms", float64(t)/float64(time.Millisecond))
	}
}

// A wrapper prints text behind a label as it comes and breaks lines between
// words, so that they fit the terminal.
type wrapper struct {
	app    *app
	label  string
	column int
	spaces string // not printed before it is known what follows
}

func (w *wrapper) write(text string) {
	for word := range strings.SplitAfterSeq(strings.ReplaceAll(text, "\n", " "), " ") {
		bare := strings.TrimRight(word, " ")
		if bare != "" {
			w.word(bare)
		}
		w.spaces += word[len(bare):]
	}
}

func (w *wrapper) word(word string) {
	width := len(w.spaces) + utf8.RuneCountInString(word)
	switch {
	case w.column == 0:
		w.app.printf("   %-*s", labelWidth, w.label+" ")
		w.column = 3 + max(labelWidth, utf8.RuneCountInString(w.label)+1)
	case w.column+width > lineWidth && w.spaces != "":
		w.app.printf("\n   %*s", labelWidth, "")
		w.column = 3 + labelWidth
	default:
		w.app.printf("%s", w.spaces)
	}
	w.app.printf("%s", word)
	w.column += width
	w.spaces = ""
}

func (w *wrapper) end() {
	if w.column > 0 {
		w.app.printf("\n")
	}
}
