package worker

import (
	"log/slog"

	"github.com/dspool/dspool/internal/process"
)

// The names of the two streams in an [Output].
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// An Output is one line that user code, or Python itself, wrote.
type Output struct {
	// Worker is the worker's id, or [ForkServerID].
	Worker string
	// Stream is Stdout or Stderr.
	Stream string
	// Line has no line end; secrets have been taken out.
	Line string
	// Dropped counts the lines directly before this one that were lost
	// because the receiver was slower than the writer.
	Dropped int
}

// lines returns the receiver of one stream of one process.
func (c *Config) lines(id, stream string) process.LineFunc {
	return func(l process.Line) {
		c.OnOutput(Output{Worker: id, Stream: stream, Line: l.Text, Dropped: l.Dropped})
	}
}

// logOutput is the receiver of those who configure none.
func logOutput(log *slog.Logger) func(Output) {
	return func(o Output) {
		if o.Dropped > 0 {
			log.Warn("worker output lost: it writes faster than the log takes it", "worker", o.Worker, "stream", o.Stream, "lines", o.Dropped)
		}
		log.Info(o.Line, "worker", o.Worker, "stream", o.Stream)
	}
}
