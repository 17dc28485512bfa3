// Package mark finds processes by a variable in their environment. Processes
// inherit it, so a mark finds whatever descends from a process, no matter who
// its parent is by now.
package mark
