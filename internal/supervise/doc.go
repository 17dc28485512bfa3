// Package supervise keeps a number of workers alive.
//
// A [Supervisor] orders its workers from a [worker.Source], all at once, and a
// replacement the moment one leaves, without waiting until the old process is
// gone. Starts that fail and workers that die before they were given anything
// to do count as failures; the count decays with time. While it is high there
// is a crash loop: the supervisor says why, pauses, tries with a single worker,
// and pauses twice as long if that fails too. Workers that die of a call are
// never held against the pool, however many: they are replaced at once.
//
// When the source itself breaks (the fork server was killed), it is started
// again and every worker is replaced from the new one.
package supervise
