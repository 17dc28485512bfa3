//go:build !linux

package zygotemock

// Main does nothing here: there are fork servers on Linux only.
func Main([]string) int { return exitUsage }
