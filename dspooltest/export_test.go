package dspooltest

import "github.com/dspool/dspool/internal/mark"

// What is there of a Kit.
type Leftovers struct{ Processes, Goroutines []string }

// Left returns what would be left of a Kit if it did not stop.
func Left(k *Kit) Leftovers {
	return Leftovers{mark.Processes(kitVariable, k.mark), goroutines(k.mark)}
}
