// Package dspool runs DSPy programs, and plain Python functions, on a
// supervised pool of Python workers, with the manners of a good database
// driver: a call has a deadline, can be cancelled, is queued fairly, never
// hangs, never lies about what happened, and a dead worker is nobody's problem.
//
// # A first call
//
// A program is a value: it needs no pool and does no I/O. Any [Runner] runs it.
//
//	type Question struct {
//		Question string `json:"question"`
//	}
//	type Answer struct {
//		Answer     string  `json:"answer"`
//		Confidence float64 `json:"confidence"`
//	}
//
//	qa := dspool.ChainOfThought[Question, Answer]("Answer in one sentence.")
//
//	pool, err := dspool.New(dspool.Config{LM: dspool.LM{Model: "openai/gpt-4o-mini"}})
//	if err != nil { ... }
//	if err := pool.Start(ctx); err != nil { ... }
//	defer pool.Stop(context.Background())
//
//	out, err := qa.Call(ctx, pool, Question{Question: "Why is the sky blue?"})
//
// # The parts
//
//   - [Runner] is the one interface: [Pool], [Single] and [Mock] run programs;
//     [Session], [Retry], [Breaker] and [Fallback] are Runners over a Runner,
//     and so can be anything of your own.
//   - [LM] is a language model, which the host asks for its workers: package
//     [github.com/dspool/dspool/lm].
//   - [Config] says everything about a pool; the zero value works.
//   - [Object] and [Method] are for Python objects that live in a worker, one
//     for each session; Request.Session keeps the calls of a session together.
//   - [Pool.Status] and [Pool.Events] tell what the workers are doing.
//   - Every failure is a [github.com/dspool/dspool/fault.Error]: a code, what
//     to do about it, and whether the user's code had begun to run.
//
// # Lifecycle
//
// [New] checks and allocates, [Pool.Start] returns at once while the Python
// environment and the workers come up, calls are accepted from then on and
// wait for the first worker, [Pool.Stop] lets accepted calls finish until its
// context ends and then kills. See docs/LIFECYCLE.md.
package dspool
