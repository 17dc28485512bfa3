//go:build !linux

package process

// VitalsOf reports false: nothing here tells it without a process of its own.
func VitalsOf(int) (Vitals, bool) { return Vitals{}, false }
