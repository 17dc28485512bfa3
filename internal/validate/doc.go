// Package validate holds raw JSON against a JSON Schema, in one pass over the
// bytes and without building the value.
//
// It exists because a caller needs what general validators do not give: every
// violation at once, each with the path of the value ("input.items[2].price"),
// integers of any size kept exact, text that is not UTF-8 refused instead of
// repaired, and no second copy of a 10 MB string. See
// docs/decisions/0006-validation.md.
package validate
