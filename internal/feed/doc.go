// Package feed hands every event to every subscriber without ever waiting for
// one: a subscriber that falls behind loses its oldest events and is told how
// many.
package feed
