package answer

import "strings"

// unknownLeaf is the format of a value of which the prompt tells the name and
// nothing else: XMLAdapter shows nested models as bare element names.
const unknownLeaf = "leaf"

// skeleton reads nested element names, as XMLAdapter shows them:
//
//	<order><id>...</id><items><item>...</item></items></order>
func skeleton(line string) *schema {
	c := annotation{rest: line}
	_, s := c.element(0)
	return s
}

// element takes one element and returns its name and type.
func (a *annotation) element(depth int) (string, *schema) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(a.rest, "<"), ">")
	if !ok || depth > annotationDepth {
		a.rest = ""
		return name, &schema{Format: unknownLeaf}
	}
	a.rest = rest
	var props properties
	for strings.HasPrefix(a.rest, "<") && !strings.HasPrefix(a.rest, "</") {
		child, s := a.element(depth + 1)
		props.names, props.schemas = append(props.names, child), append(props.schemas, s)
	}
	_, a.rest, _ = strings.Cut(a.rest, "</"+name+">")
	return name, elementType(props)
}

func elementType(props properties) *schema {
	switch {
	case len(props.names) == 0:
		return &schema{Format: unknownLeaf}
	case len(props.names) == 1 && props.names[0] == "item":
		return &schema{Types: typeNames{"array"}, Items: props.schemas[0]}
	default:
		return &schema{Types: typeNames{"object"}, Properties: props, Required: props.names}
	}
}
