package numbers

import "github.com/dspool/dspool/fault"

// unlike refuses things of the same name: an exporter could not tell them
// apart, and Prometheus would fail the whole scrape.
func unlike[T any](what string, list []T, name func(T) string) error {
	seen := map[string]bool{}
	for _, t := range list {
		n := name(t)
		if seen[n] {
			return fault.Newf(fault.InvalidArgument, "two %s are called %q: give each a name of its own", what, n)
		}
		seen[n] = true
	}
	return nil
}

// read returns the status of each.
func read[T, S any](list []T, status func(T) S) []S {
	all := make([]S, len(list))
	for i, t := range list {
		all[i] = status(t)
	}
	return all
}
