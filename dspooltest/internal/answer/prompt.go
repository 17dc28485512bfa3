package answer

import (
	"encoding/json"
	"strings"
)

// Format is the way in which an adapter wants its answer written.
type Format uint8

// Formats that [Read] tells apart.
const (
	// Plain is any prompt that no adapter wrote.
	Plain Format = iota
	// Chat is ChatAdapter: sections under [[ ## field ## ]] headers.
	Chat
	// JSON is JSONAdapter: one JSON object.
	JSON
	// XML is XMLAdapter: one element a field.
	XML
)

// Markers of the prompts, as DSPy 3.4 writes them.
const (
	inputsHeading    = "Your input fields are:\n"
	outputsHeading   = "\nYour output fields are:\n"
	structureHeading = "\nAll interactions will be structured in the following way"
	jsonHeading      = "\nOutputs will be a JSON object with the following fields.\n\n"
	objectiveHeading = "\nIn adhering to this structure, your objective is:"
	completedMarker  = "[[ ## completed ## ]]"
	noteMarker       = "# note: the value you produce "
	schemaNote       = "must adhere to the JSON schema: "
	choiceNote       = "must be one of: "
)

// A Field is one output field of a prompt.
type Field struct {
	Name   string
	schema *schema
	// text is true where the adapter takes the section as it is and does not
	// parse it: str and str | None.
	text bool
	// nested is true where XMLAdapter wants elements instead of JSON.
	nested bool
}

// A Prompt is what a system message asks for.
type Prompt struct {
	Format    Format
	Inputs    []string
	Outputs   []Field
	Objective string
}

// Read reads a system message. A message that no adapter wrote gives a Plain
// prompt without fields.
func Read(system string) *Prompt {
	head, rest, ok := strings.Cut(system, outputsHeading)
	if !ok || !strings.HasPrefix(head, inputsHeading) {
		return &Prompt{Objective: system}
	}
	fields, structure, ok := strings.Cut(rest, structureHeading)
	if !ok {
		return &Prompt{Objective: system}
	}
	p := &Prompt{Format: formatOf(structure)}
	p.Objective = objective(structure)
	for _, d := range declarations(strings.TrimPrefix(head, inputsHeading)) {
		p.Inputs = append(p.Inputs, d.name)
	}
	notes := p.notes(structure)
	for _, d := range declarations(fields) {
		p.Outputs = append(p.Outputs, d.field(notes(d.name)))
	}
	return p
}

func formatOf(structure string) Format {
	switch {
	case strings.Contains(structure, jsonHeading):
		return JSON
	case strings.Contains(structure, completedMarker):
		return Chat
	default:
		return XML
	}
}

func objective(structure string) string {
	if i := strings.LastIndex(structure, objectiveHeading); i >= 0 {
		return strings.TrimSpace(structure[i+len(objectiveHeading):])
	}
	return ""
}

// notes returns a function that finds what the structure part says about the
// value of one output field.
func (p *Prompt) notes(structure string) func(name string) string {
	if p.Format == JSON {
		return jsonNotes(structure)
	}
	return func(name string) string {
		start := "{" + name + "}"
		if i := strings.LastIndex(structure, "\n"+start); i >= 0 {
			line, _, _ := strings.Cut(structure[i+1+len(start):], "\n")
			return note(line)
		}
		if p.Format != XML {
			return ""
		}
		if i := strings.LastIndex(structure, "\n<"+name+"><"); i >= 0 {
			line, _, _ := strings.Cut(structure[i+1:], "\n")
			return line
		}
		if strings.Contains(structure, "\n<"+name+">...</") {
			return skeletonStart
		}
		return ""
	}
}

// skeletonStart begins a note that is the skeleton of elements which
// XMLAdapter shows where it wants nested elements.
const skeletonStart = "<"

func jsonNotes(structure string) func(name string) string {
	_, object, _ := strings.Cut(structure, jsonHeading)
	if i := strings.LastIndex(object, objectiveHeading); i >= 0 {
		object = object[:i]
	}
	var lines map[string]string
	if json.Unmarshal([]byte(object), &lines) != nil {
		lines = nil
	}
	return func(name string) string { return note(lines[name]) }
}

func note(line string) string {
	_, text, _ := strings.Cut(line, noteMarker)
	return strings.TrimSpace(text)
}
