package answer

import "strings"

// An Input is one input field with the text that the prompt gives for it.
type Input struct {
	Name, Text string
}

// Openings of the reminder that ends a user message.
const (
	chatReminder = "\n\nRespond with the corresponding output fields"
	jsonReminder = "\n\nRespond with a JSON object in the following order of fields: "
)

// Read finds the inputs in the last user message. Headers inside a value are
// taken for text, unless they name the very next input.
func (p *Prompt) Read(user string) []Input {
	if p.Format == Plain {
		return []Input{{Name: "prompt", Text: user}}
	}
	body := withoutReminder(user)
	var out []Input
	for i, name := range p.Inputs {
		open, end := p.marks(name)
		start := strings.Index(body, open)
		if start < 0 {
			continue
		}
		body = body[start+len(open):]
		stop := p.end(body, end, p.Inputs[i+1:])
		out = append(out, Input{Name: name, Text: strings.TrimSpace(body[:stop])})
		body = body[stop:]
	}
	return out
}

func withoutReminder(user string) string {
	for _, mark := range []string{chatReminder, jsonReminder} {
		if i := strings.LastIndex(user, mark); i >= 0 {
			return user[:i]
		}
	}
	return user
}

func (p *Prompt) marks(name string) (open, end string) {
	if p.Format == XML {
		return "<" + name + ">\n", "\n</" + name + ">"
	}
	return "[[ ## " + name + " ## ]]\n", ""
}

// end returns where the value at the beginning of body ends: at its closing
// mark, or at the header of an input that follows.
func (p *Prompt) end(body, mark string, following []string) int {
	if mark != "" {
		if i := strings.Index(body, mark); i >= 0 {
			return i
		}
	}
	for _, name := range following {
		open, _ := p.marks(name)
		if i := strings.Index(body, "\n\n"+open); i >= 0 {
			return i
		}
	}
	return len(body)
}
