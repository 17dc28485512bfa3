package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// inputsHelp is the part of a help page that tells how inputs are given.
const inputsHelp = "Inputs are given as NAME=VALUE, as a JSON object on standard input (-) or in a file (@FILE); later ones win.\n" +
	"A VALUE is taken as the signature's type says: text as it is, everything else as JSON (n=3, tags='[\"a\", \"b\"]')."

// readInputs gathers the inputs of a call from the arguments of a command. A
// nil signature leaves types to the values: what is JSON is taken as JSON.
func readInputs(args []string, stdin io.Reader, sig *signature.Signature) (json.RawMessage, error) {
	inputs := map[string]json.RawMessage{}
	for _, arg := range args {
		if err := addInput(inputs, arg, stdin, sig); err != nil {
			return nil, err
		}
	}
	return json.Marshal(inputs)
}

func addInput(inputs map[string]json.RawMessage, arg string, stdin io.Reader, sig *signature.Signature) error {
	if arg == "-" {
		return addObject(inputs, "standard input", stdin)
	}
	if name, ok := strings.CutPrefix(arg, "@"); ok {
		file, err := os.Open(name)
		if err != nil {
			return fault.Newf(fault.InvalidArgument, "inputs from %s: %v", arg, err)
		}
		defer file.Close()
		return addObject(inputs, name, file)
	}
	name, text, ok := strings.Cut(arg, "=")
	if !ok || name == "" {
		return fault.Newf(fault.InvalidArgument, "the argument %q is no input: write NAME=VALUE, @FILE, or - for standard input", arg)
	}
	inputs[name] = inputValue(text, schemaOf(name, sig))
	return nil
}

// inputsLimit is the most that is read from a file or from standard input.
const inputsLimit = 1 << 30

func addObject(inputs map[string]json.RawMessage, from string, r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, inputsLimit))
	if err != nil {
		return fault.Newf(fault.InvalidArgument, "inputs from %s: %v", from, err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return fault.Newf(fault.InvalidArgument, "inputs from %s: %s", from, jsonTrouble(raw, err))
	}
	maps.Copy(inputs, object)
	return nil
}

// jsonTrouble says what is wrong with what should be a JSON object.
func jsonTrouble(raw []byte, err error) string {
	if len(strings.TrimSpace(string(raw))) == 0 {
		return "a JSON object was expected, but there is nothing"
	}
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return "a JSON object was expected, found " + article(other.Value)
	}
	return fmt.Sprintf("a JSON object was expected: %v", err)
}

func article(noun string) string {
	if strings.HasPrefix(noun, "a") {
		return "an " + noun
	}
	return "a " + noun
}

func schemaOf(name string, sig *signature.Signature) *jsonschema.Schema {
	if sig != nil {
		if field, ok := sig.Input(name); ok {
			return field.Schema
		}
	}
	return nil
}

// inputValue turns the text of an argument into JSON of the type that the
// schema asks for. What does not fit becomes text: the signature's own check
// then says what is wrong with it.
func inputValue(text string, s *jsonschema.Schema) json.RawMessage {
	switch {
	case s == nil:
		return jsonOrText(text)
	case s.ContentEncoding == "base64":
		return quoted(base64.StdEncoding.EncodeToString([]byte(text)))
	case wantsText(s, text):
		return quoted(text)
	case admits(s, "boolean") && truth(text) != "":
		return json.RawMessage(truth(text))
	default:
		return jsonOrText(text)
	}
}

// wantsText reports whether text is to be taken as it is: the type is text
// alone, or one of its choices is exactly that text.
func wantsText(s *jsonschema.Schema, text string) bool {
	if slices.Contains(s.Enum, any(text)) {
		return true
	}
	if s.Type == "string" {
		return true
	}
	for _, one := range s.AnyOf {
		if one.Type != "null" && !wantsText(one, text) {
			return false
		}
	}
	return len(s.AnyOf) > 0 && text != "null"
}

func admits(s *jsonschema.Schema, name string) bool {
	if s.Type == name {
		return true
	}
	for _, one := range s.AnyOf {
		if admits(one, name) {
			return true
		}
	}
	return false
}

// truth reads the usual words for true and false, "" for any other.
func truth(text string) string {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return "true"
	case "false", "no", "off", "0":
		return "false"
	default:
		return ""
	}
}

func jsonOrText(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return quoted(text)
}

func quoted(text string) json.RawMessage {
	raw, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return raw
}
