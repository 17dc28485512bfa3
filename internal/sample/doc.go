// Package sample makes up values that a JSON Schema allows: the answers of
// Runners that have no language model and no Python. The same schema, name and
// seed give the same value in every process; everything here is a pure function
// of its arguments.
//
// Plain values have recognisable shapes: text is PREFIX_FIELD_HASH, an integer
// hash%1000, a float (hash%1000)/10, a truth value whether the hash is even.
// Where a schema limits them, the limits win.
package sample
