// Package scale decides how many workers there should be.
//
// A [Policy] looks at the load again and again and answers with a size between
// a minimum and a maximum, and with overflow: workers above the size that help
// out at once and leave when they are not needed any more. It takes three
// precautions against going up and down in turn: pressure must last before it
// grows, a whole window must have been quiet before it shrinks, never below what
// the window's highest load needed, and after each change there is a pause.
//
// It does no I/O and knows no clock: the caller hands in the time, so that a day
// of load is tested in milliseconds.
package scale
