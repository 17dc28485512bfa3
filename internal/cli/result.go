package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dspool/dspool"
)

// fields prints the members of an object, one a line and in their order, other
// than those in shown. Any other value is printed as it is.
func (a *app) fields(raw json.RawMessage, shown map[string]bool) {
	names, values, ok := members(raw)
	if !ok {
		a.printf("%s\n", plainValue(raw))
		return
	}
	for i, name := range names {
		if !shown[name] {
			a.printf("%s: %s\n", name, plainValue(values[i]))
		}
	}
}

// plainValue is text without its quotes, and any other value as JSON on one
// line.
func plainValue(raw json.RawMessage) string {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return text
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return string(raw)
	}
	return spaced(compact.Bytes())
}

// spaced puts a space behind every comma and colon of compact JSON, for people
// and for lines that are to be broken.
func spaced(compact []byte) string {
	b := make([]byte, 0, len(compact)+len(compact)/4)
	inText := false
	for i, c := range compact {
		if c == '"' && (i == 0 || !escaped(compact[:i])) {
			inText = !inText
		}
		b = append(b, c)
		if !inText && (c == ',' || c == ':') {
			b = append(b, ' ')
		}
	}
	return string(b)
}

// escaped reports whether an odd number of backslashes ends b.
func escaped(b []byte) bool {
	bare := bytes.TrimRight(b, "\\")
	return (len(b)-len(bare))%2 == 1
}

// members takes a JSON object apart in its own order.
func members(raw json.RawMessage) (names []string, values []json.RawMessage, ok bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, false
		}
		names, values = append(names, fmt.Sprint(name)), append(values, value)
	}
	return names, values, true
}

// streamCall prints a call's outputs as they come.
func (a *app) streamCall(ctx context.Context, pool *dspool.Pool, f runFlags, req dspool.Request) error {
	p := &streamPrinter{app: a, shown: map[string]bool{}}
	for ev, err := range pool.Stream(ctx, req) {
		if err != nil {
			p.endLine()
			return err
		}
		if f.json {
			if err := a.eventLine(ev); err != nil {
				return err
			}
		} else {
			p.print(ev)
		}
		if ev.Response != nil {
			a.cost(*ev.Response)
		}
	}
	return nil
}

// eventLine prints an event as one line of JSON.
func (a *app) eventLine(ev dspool.Event) error {
	line := struct {
		Kind  dspool.EventKind `json:"kind"`
		Field string           `json:"field,omitempty"`
		Text  string           `json:"text,omitempty"`
		Last  bool             `json:"last,omitempty"`
		Data  json.RawMessage  `json:"data,omitempty"`
	}{Kind: ev.Kind, Field: ev.Field, Text: ev.Text, Last: ev.Last}
	if ev.Kind == dspool.EventItem || ev.Kind == dspool.EventResult {
		line.Data = ev.Data
	}
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(line)
}

// A streamPrinter writes the chunks of each field behind the field's name.
type streamPrinter struct {
	app   *app
	field string // whose line is open
	shown map[string]bool
	items int
}

func (p *streamPrinter) print(ev dspool.Event) {
	switch ev.Kind {
	case dspool.EventChunk:
		p.chunk(ev)
	case dspool.EventItem:
		p.endLine()
		p.items++
		p.app.printf("%s\n", plainValue(ev.Data))
	case dspool.EventStatus:
		p.endLine()
		p.app.notef("%s\n", ev.Text)
	case dspool.EventResult:
		p.endLine()
		if p.items == 0 || strings.TrimSpace(string(ev.Data)) != "null" {
			p.app.fields(ev.Data, p.shown)
		}
	}
}

func (p *streamPrinter) chunk(ev dspool.Event) {
	if ev.Field != p.field {
		p.endLine()
		p.app.printf("%s: ", ev.Field)
		p.field, p.shown[ev.Field] = ev.Field, true
	}
	p.app.printf("%s", ev.Text)
}

func (p *streamPrinter) endLine() {
	if p.field != "" {
		p.app.printf("\n")
		p.field = ""
	}
}
