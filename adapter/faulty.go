package adapter

import (
	"context"
	"fmt"
	"iter"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A Faulty is a Backend that is slow and fails as it is told to, over one that
// is not: over a wire mock, or over real Python. Safe for concurrent use.
type Faulty struct {
	Backend

	faults *dspool.Mock // knows what was injected
	pace   *dspool.Mock // is slow, and fails at a rate
	gate   *dspool.Spec // what it is asked before each call
}

// paceMax is how many calls may be held up at once.
const paceMax = 1 << 20

// gateRef is the program by which a Faulty asks its mock.
const gateRef = "faulty:gate"

// NewFaulty puts faults before a Backend: Delay, ErrorRate and Seed of config
// count, and what [Faulty.Inject] adds. The error is invalid_argument.
func NewFaulty(over Backend, config dspool.MockConfig) (*Faulty, error) {
	faults, err := dspool.NewMock(dspool.MockConfig{Seed: config.Seed, Log: -1})
	if err != nil {
		return nil, fmt.Errorf("faulty: %w", err)
	}
	pace, err := dspool.NewMock(dspool.MockConfig{
		Delay: config.Delay, ErrorRate: config.ErrorRate, Seed: config.Seed, Log: -1,
		CallTimeout: -1, QueueTimeout: -1, Concurrency: paceMax, Answers: map[string]any{gateRef: nil},
	})
	if err != nil {
		return nil, fmt.Errorf("faulty: %w", err)
	}
	gate, err := dspool.NewFunc(gateRef)
	if err != nil {
		return nil, fmt.Errorf("faulty: %w", err)
	}
	return &Faulty{Backend: over, faults: faults, pace: pace, gate: gate}, nil
}

// Inject arms a fault, see [dspool.Mock.Inject].
func (f *Faulty) Inject(what dspool.MockFault) (remove func(), err error) {
	return f.faults.Inject(what) //nolint:wrapcheck // says it all
}

// Trip returns the fault that strikes a command, see [dspool.Mock.Trip].
func (f *Faulty) Trip(command string, programs ...string) error {
	return f.faults.Trip(command, programs...) //nolint:wrapcheck // says it all
}

// Triggered is how many injected faults have struck.
func (f *Faulty) Triggered() int64 { return f.faults.Stats().Injected }

// Reset forgets the faults and their number.
func (f *Faulty) Reset() { f.faults.Reset() }

// Call waits, fails if it was told to, and passes the call on.
func (f *Faulty) Call(ctx context.Context, req dspool.Request) (dspool.Response, error) {
	if err := f.pass(ctx, req.Program); err != nil {
		return dspool.Response{}, err
	}
	return f.Backend.Call(ctx, req) //nolint:wrapcheck // a Runner's error says it all
}

// Stream is [Faulty.Call] for a stream.
func (f *Faulty) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(yield func(dspool.Event, error) bool) {
		if err := f.pass(ctx, req.Program); err != nil {
			yield(dspool.Event{}, err)
			return
		}
		f.Backend.Stream(ctx, req)(yield)
	}
}

// pass returns the fault that strikes a call before it is passed on.
func (f *Faulty) pass(ctx context.Context, program *dspool.Spec) error {
	if program != nil {
		_, hash, _ := program.Definition()
		if err := f.faults.Trip("execute_program", hash, program.Name, program.Ref, program.String()); err != nil {
			return err //nolint:wrapcheck // it is what was asked for
		}
	}
	_, err := f.pace.Call(ctx, dspool.Request{Program: f.gate})
	if err != nil {
		return fault.From(err).WithStarted(fault.StartedNo)
	}
	return nil
}
