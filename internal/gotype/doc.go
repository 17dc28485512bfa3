// Package gotype describes Go types as JSON Schema, the way encoding/json
// writes them, and finds in Go values what encoding/json would hide: NaN and
// infinity, text that is not UTF-8, nil slices that become null.
//
// It does not use jsonschema.For of the schema library, which refuses recursive
// types, lets every slice be null, and takes json.RawMessage for a list of
// numbers; a language model is shown these schemas, so they have to say what is
// meant.
package gotype
