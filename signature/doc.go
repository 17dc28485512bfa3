// Package signature describes what a program takes and gives: named fields
// with types, as JSON Schema.
//
// A [Signature] is made from text with [Parse], from Go types with [Of], from
// JSON Schema with [FromSchemas], or from JSON as people write it with
// [FromJSON]. It is data: nothing in it is ever evaluated, imported or looked
// up, so text from a stranger is safe to parse.
//
//	sig, err := signature.Parse("question: str, k: int -> answer: str, tags: list[str]")
//
// [Signature.CheckInput] and [Signature.CheckOutput] hold raw JSON against it
// in one pass and report everything that is wrong, each with its path;
// [Rules] make that more or less strict. [Signature.JSONSchema] writes the
// signature for a provider of language models.
package signature
