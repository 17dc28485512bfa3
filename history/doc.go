// Package history keeps how a pool was doing, second by second.
//
//	rec, err := history.New(pool, history.Config{})
//	err = rec.Start(ctx)
//	defer rec.Stop(ctx)
//	for _, s := range rec.View(5 * time.Minute).Samples { ... }
//
// A Recorder reads [dspool.Stats] once a second and keeps 5 minutes of that,
// 15 minutes in steps of 5 s and an hour in steps of 20 s: some 660 samples,
// whatever the load.
//
// # Health score
//
// One number between 0 and 1 for a glance, as CHK-127 of the checklist asks for
// it: 0.3 utilisation + 0.5 errors + 0.2 latency, where each part is 1 while all
// is well.
//
//   - utilisation: 1 up to 80 % of the capacity, then falling to 0 at 100 %
//   - errors: 1 up to 0.1 % of the calls that ended, then falling to 0 at 10 %
//   - latency: 1 while 99 of 100 answered calls waited no longer than
//     [Config.WaitTarget] for their code to begin, then the target divided by
//     what they waited. How long a program runs is not the pool's health.
//
// Without calls in a step, errors and latency are 1. A pool in which no worker
// takes calls has the score 0.
package history
