//go:build !linux

package bench

import "errors"

// pss is known on Linux only.
func pss(int) (int64, error) {
	return 0, errors.New("the proportional set size can be read on Linux only")
}
