package supervise

import (
	"log/slog"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A Config says what a [Supervisor] keeps and whom it tells. The functions are
// called one at a time and must return soon; none may call Stop and wait.
// Any of them may be nil.
type Config struct {
	// Size is the number of workers, at least 1, until Resize.
	Size int
	// Lazy puts off every start until Demand.
	Lazy bool
	// Pace says how fast lost workers are replaced.
	Pace Pace
	// Replacements is how many workers are replaced at once on demand, see
	// [Supervisor.Replace]. Defaults to 1.
	Replacements int
	// OnUp hears of a worker that takes calls from now on.
	OnUp func(*worker.Worker)
	// OnLeaving hears, at once, of a worker that will never take a call again,
	// and whether it is missed: another one has to be started for it.
	OnLeaving func(w *worker.Worker, missed bool)
	// OnDown hears of a worker whose process is gone, after OnLeaving if it was
	// ever up.
	OnDown func(*worker.Worker, worker.Exit)
	// OnSource hears of each start of the source, and of another one that takes
	// over (Swap), before its workers are up.
	OnSource func(worker.Source)
	// OnEnded hears of a source that another one took over from, when all its
	// workers are gone and it has been stopped.
	OnEnded func(worker.Source)
	// OnState hears of every change of the condition.
	OnState func(Condition)
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Size = max(c.Size, 1)
	c.Replacements = max(c.Replacements, 1)
	c.Pace = c.Pace.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// A Phase says how a [Supervisor] stands.
type Phase uint8

// The phases.
const (
	// Idle: not started, or lazy and not needed yet.
	Idle Phase = iota
	// Starting: no worker is up yet, or none again; starts are under way.
	Starting
	// Short: some workers are up, the others are being replaced.
	Short
	// Full: every worker is up.
	Full
	// Open: a crash loop, or starts in vain. The next try is at RetryAt.
	Open
	// Stopped: over.
	Stopped
)

// String returns the phase in lower case.
func (p Phase) String() string {
	names := [...]string{"idle", "starting", "short", "full", "open", "stopped"}
	if int(p) >= len(names) {
		return "invalid"
	}
	return names[p]
}

// A Condition is how a [Supervisor] stands at one moment.
type Condition struct {
	Phase Phase
	// Up is the number of workers that take calls, Size what it should be.
	Up, Size int
	// Next is how many workers are up that will take over, see Swap.
	Next int
	// Failure is the last failed start or early death that has not been made
	// good since, with the last words of standard error; nil if there is none.
	Failure *fault.Error
	// RetryAt is when the next start is tried, zero when nothing waits.
	RetryAt time.Time
}

// CanServe reports whether calls have reason to wait: a worker is up, or
// nothing speaks against one coming up at once.
func (c Condition) CanServe() bool {
	return c.Up > 0 || c.Phase != Open && c.Phase != Stopped
}

func (c Condition) same(o Condition) bool {
	return c.Phase == o.Phase && c.Up == o.Up && c.Size == o.Size && c.Next == o.Next && c.Failure == o.Failure && c.RetryAt.Equal(o.RetryAt)
}
