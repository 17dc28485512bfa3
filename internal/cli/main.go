package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/dspool/dspool/fault"
)

// Main runs the binary with the given arguments and returns its exit code. The
// first SIGINT or SIGTERM cancels the command's context, so that it can put
// its workers away; the second ends the process at once, and the workers with
// it.
func Main(args []string, streams IO) int {
	ctx, stop := interruptible(context.Background())
	defer stop()
	err := execute(ctx, args, streams)
	if sig := interruption(ctx); sig != 0 && err != nil {
		return 128 + int(sig)
	}
	return ExitCode(err)
}

// execute runs one command and prints its error.
func execute(ctx context.Context, args []string, streams IO) error {
	a := &app{IO: streams}
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return nil
	}
	if !a.running {
		err = fault.Newf(fault.InvalidArgument, "%v (see `%s --help`)", err, cmd.CommandPath())
	}
	if text := describe(err); text != "" {
		fmt.Fprintf(streams.Err, "dspool: %s\n", text)
	}
	if frames := detail(err, "traceback"); a.verbose && frames != "" {
		fmt.Fprintf(streams.Err, "%s\n", strings.TrimRight(frames, "\n"))
	}
	return err
}

// describe returns what is printed of an error: nothing when the command has
// already said it all.
func describe(err error) string {
	if errors.As(err, new(silentError)) {
		return ""
	}
	text := err.Error()
	code := fault.CodeOf(err)
	switch kind := detail(err, "type"); {
	case code == fault.InvalidArgument:
		// The code is for programs; after "dspool:" a person wants the message.
		return strings.TrimPrefix(text, string(code)+": ")
	case strings.HasPrefix(string(code), "lm_"):
		// Providers' clients write paragraphs.
		return strings.Join(strings.Fields(text), " ")
	case code == fault.ProgramError && kind != "":
		// A message such as "'name'" means nothing without its KeyError.
		return strings.Replace(text, string(code)+": ", string(code)+": "+kind+": ", 1)
	default:
		return text
	}
}

// detail returns what an error holds beyond its message, "" for nothing.
func detail(err error, name string) string {
	var e *fault.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Details[name]
}

type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return e.signal.String() }

// interruptible returns a context that the first signal cancels. After it the
// signals have their default effect again.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case sig := <-signals:
			signal.Stop(signals)
			number, _ := sig.(syscall.Signal)
			cancel(signalError{number})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-done
	}
}

// interruption returns the signal that cancelled ctx, or 0.
func interruption(ctx context.Context) syscall.Signal {
	var cause signalError
	if errors.As(context.Cause(ctx), &cause) {
		return cause.signal
	}
	return 0
}
