package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/dspool/dspool/dspooltest"
)

// PracticeCommand is the argument that turns the binary into a practice LM in a
// process of its own: see [ServePractice].
const PracticeCommand = "bench-practice"

// practiceLatency is how long the practice LM takes for an answer.
const practiceLatency = 100 * time.Millisecond

// ServePractice serves a practice LM until it is told to end. It writes its
// address to out, on one line.
func ServePractice(args []string, out io.Writer) error {
	flags := flag.NewFlagSet(PracticeCommand, flag.ContinueOnError)
	latency := flags.Duration("latency", practiceLatency, "time before each answer")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("practice LM: %w", err)
	}
	behaviour, err := dspooltest.ParseBehaviour(dspooltest.Behaviour{}, "latency="+latency.String())
	if err != nil {
		return fmt.Errorf("practice LM: %w", err)
	}
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{Behaviour: behaviour})
	if err := lm.Start(); err != nil {
		return fmt.Errorf("practice LM: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if _, err := fmt.Fprintln(out, lm.URL()); err != nil {
		return fmt.Errorf("practice LM: %w", err)
	}
	<-ctx.Done()
	return lm.Close() //nolint:wrapcheck // says it all
}
