package dspooltest

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strings"
	"time"
)

// gone asks again and again what is left, for two seconds at most: the kernel
// and the scheduler need a moment to take apart what has ended.
func gone(ctx context.Context, left func() []string) []string {
	const within, every = 2 * time.Second, 10 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for end := time.Now().Add(within); ; {
		found := left()
		if len(found) == 0 || time.Now().After(end) || ctx.Err() != nil {
			return found
		}
		<-tick.C
	}
}

// goroutines returns the stacks of the goroutines that descend from the one
// which started a Kit's pool: labels are inherited. So one test's leak is told
// from another's goroutines, while both run.
func goroutines(mark string) []string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return nil
	}
	var found []string
	for block := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(block, mark) {
			found = append(found, block)
		}
	}
	return found
}
