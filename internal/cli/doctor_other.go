//go:build !linux

package cli

// examinePlatform has nothing to check outside Linux: workers are spawned, and
// end when their socket does.
func examinePlatform() []check { return nil }
