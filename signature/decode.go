package signature

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// UnmarshalJSON reads what [Signature.MarshalJSON] wrote, or anything else that
// [FromJSON] reads, into a Signature that has not been used. The former encodes
// to the same bytes again: the properties of objects keep their order, which is
// the one that the language model sees.
func (s *Signature) UnmarshalJSON(raw []byte) error {
	read, err := FromJSON(raw)
	if err != nil {
		return err
	}
	s.Name, s.Instructions, s.Inputs, s.Outputs, s.Defs = read.Name, read.Instructions, read.Inputs, read.Outputs, read.Defs
	top, _ := ordered(raw)
	for key, fields := range map[string][]Field{"inputs": s.Inputs, "outputs": s.Outputs} {
		for i, one := range elements(top[key]) {
			members, _ := ordered(one)
			keepOrder(fields[i].Schema, members["schema"])
		}
	}
	keepOrders(s.Defs, top["defs"])
	return nil
}

// keepOrder gives a schema, and all in it, the order of properties that its
// JSON has; the library forgets it.
func keepOrder(s *jsonschema.Schema, raw json.RawMessage) {
	members, _ := ordered(raw)
	if s == nil || members == nil {
		return
	}
	_, s.PropertyOrder = ordered(members["properties"])
	keepOrders(s.Properties, members["properties"])
	keepOrders(s.Defs, members["$defs"])
	for key, one := range map[string]*jsonschema.Schema{
		"items": s.Items, "additionalProperties": s.AdditionalProperties, "propertyNames": s.PropertyNames, "not": s.Not,
	} {
		keepOrder(one, members[key])
	}
	for key, list := range map[string][]*jsonschema.Schema{
		"anyOf": s.AnyOf, "oneOf": s.OneOf, "allOf": s.AllOf, "prefixItems": s.PrefixItems,
	} {
		for i, one := range elements(members[key]) {
			if i < len(list) { // limits beside a schema may have changed it
				keepOrder(list[i], one)
			}
		}
	}
}

func keepOrders(schemas map[string]*jsonschema.Schema, raw json.RawMessage) {
	members, _ := ordered(raw)
	for name, one := range schemas {
		keepOrder(one, members[name])
	}
}

// ordered returns the members of a JSON object and their names as they come;
// nil for anything else.
func ordered(raw json.RawMessage) (members map[string]json.RawMessage, names []string) {
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, nil
	}
	for d.More() {
		name, err := d.Token()
		var skipped json.RawMessage
		if err != nil || d.Decode(&skipped) != nil {
			return nil, nil
		}
		if text, ok := name.(string); ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return members, names
}

// elements returns the elements of a JSON array, none for anything else.
func elements(raw json.RawMessage) (list []json.RawMessage) {
	_ = json.Unmarshal(raw, &list) // what is no list has no elements
	return list
}
