package answer

import "strings"

// Names of the fields through which dspy.ReAct drives its tools.
const (
	toolNameField = "next_tool_name"
	toolArgsField = "next_tool_args"
	finishTool    = "finish"
)

// act plays an agent: it takes the first tool while there is no observation
// yet, then finishes.
func (p *Prompt) act(f Field, inputs []Input, g *generator) (value, bool) {
	if f.Name != toolNameField && f.Name != toolArgsField || len(p.Outputs) < 2 {
		return null(), false
	}
	name, args, ok := firstTool(p.Objective)
	if !ok || observed(inputs) {
		name, args = finishTool, &properties{}
	}
	if f.Name == toolNameField {
		return text(name), true
	}
	return g.arguments(args), true
}

// arguments gives numbers of the inputs to the arguments that are numbers, in
// their order.
func (g *generator) arguments(args *properties) value {
	v, numbers := value{kind: objectKind}, g.facts.numbers
	for i, name := range args.names {
		item := g.value(name, args.schemas[i], 1)
		if item.kind == numberKind && len(numbers) > 0 {
			item, numbers = number(numbers[0]), numbers[1:]
		}
		v.keys, v.items = append(v.keys, name), append(v.items, item)
	}
	return v
}

func observed(inputs []Input) bool {
	for _, in := range inputs {
		if in.Name == "trajectory" && strings.Contains(in.Text, "observation_0") {
			return true
		}
	}
	return false
}

// firstTool reads the first entry of the list of tools:
//
//	(1) add, whose description is <desc>Adds.</desc>. It takes arguments {'a': {'type': 'integer'}}.
func firstTool(objective string) (string, *properties, bool) {
	_, list, ok := strings.Cut(objective, "\n(1) ")
	if !ok {
		if _, list, ok = strings.Cut(objective, "(1) "); !ok {
			return "", &properties{}, false
		}
	}
	line, _, _ := strings.Cut(list, "\n")
	name := line[:strings.IndexAny(line+",", ",.")]
	_, literal, _ := strings.Cut(line, "It takes arguments ")
	args := &properties{}
	_ = args.UnmarshalJSON([]byte(asJSON(strings.TrimSuffix(literal, "."))))
	return name, args, name != finishTool
}

// asJSON turns the Python literal of a dict of JSON values into JSON.
func asJSON(literal string) string {
	var b []byte
	for i := 0; i < len(literal); i++ {
		switch c := literal[i]; {
		case c == '\'' || c == '"':
			end := i + 1
			for end < len(literal) && literal[end] != c {
				if literal[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(literal))
			b = AppendString(b, literal[i+1:end])
			i = end
		case strings.HasPrefix(literal[i:], "True"):
			b, i = append(b, "true"...), i+len("True")-1
		case strings.HasPrefix(literal[i:], "False"):
			b, i = append(b, "false"...), i+len("False")-1
		case strings.HasPrefix(literal[i:], "None"):
			b, i = append(b, "null"...), i+len("None")-1
		default:
			b = append(b, c)
		}
	}
	return string(b)
}
