package signature

import (
	"slices"
	"strings"
)

// Describe returns the signature in words: "question: string -> answers: list of
// string". For text that reads back as a signature, see [Signature.String].
func (s *Signature) Describe() string {
	return describeSide(s.Inputs) + " -> " + describeSide(s.Outputs)
}

func describeSide(fields []Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Name + ": " + f.Describe()
	}
	return strings.Join(parts, ", ")
}

// Describe returns the field's type in words, such as "dict with string keys and
// list of integer values" or "union of string | integer".
func (f Field) Describe() string {
	t, _ := f.parsed()
	return t.words
}

// Types lists the types without parts that the field's type is made of, each
// once, in the order in which they are written: string and integer for
// dict(string, list(integer)).
func (f Field) Types() []string {
	_, leaves := f.parsed()
	return unique(leaves)
}

// Types lists the types without parts that the signature's fields are made of,
// each once.
func (s *Signature) Types() []string {
	var all []string
	for _, f := range slices.Concat(s.Inputs, s.Outputs) {
		_, leaves := f.parsed()
		all = append(all, leaves...)
	}
	return unique(all)
}

// Python returns the field's type as an annotation of Python: str, int, float,
// bool, Any, Dict, List[str], Dict[str, int], Union[str, int], Optional[str].
// An embedding is a List[float] and a reasoning_chain a List[str]. A type that
// has only a name, such as that of a Go struct, is Any.
func (f Field) Python() string {
	t, err := parsePython(f.Type)
	if err != nil {
		return "Any"
	}
	return t.python
}

// FieldFromPython returns a field whose type is an annotation of Python, which
// is only read and never evaluated. What is no type known here is Any, as in
// List[Any] for List[Invoice]. Optional makes the field optional.
func FieldFromPython(name, annotation string) Field {
	t, err := parsePython(annotation)
	if err != nil {
		return AnyField(name)
	}
	return Field{Name: name, Type: t.text, Schema: t.schema, Required: !t.optional}
}

func parsePython(annotation string) (parsedType, error) {
	t, _, err := parseType(annotation, true)
	return t, err
}

// parsed reads the text of the field's type once more. A type that has only a
// name stands for itself.
func (f Field) parsed() (parsedType, []string) {
	t, leaves, err := parseType(f.Type, false)
	if err != nil {
		return parsedType{words: f.Type}, []string{f.Type}
	}
	return t, leaves
}

func unique(all []string) []string {
	var out []string
	for _, one := range all {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}
