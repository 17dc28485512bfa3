// Package fault holds the one error type of dspool and the codes it carries.
//
// It is a leaf: every other package may import it and it imports the standard
// library only. An [Error] says what happened (code and message), to which
// worker, whether the user's code had [Started], and when to come back. [ClassOf]
// is the error matrix: what to do about a code, and how bad it is.
package fault
