package pyenv

import (
	"context"
	"os"

	"github.com/dspool/dspool/fault"
)

// Ensure returns the environment that cfg asks for and builds it when it is not
// there. When it is there, no process is started and nothing is written: that
// takes about a millisecond. A build takes 10 to 60 seconds and needs the
// network once.
//
// It is safe to call from many goroutines and processes at once: one builds, the
// others wait for it. When ctx ends, a build is stopped and leaves nothing that
// could be mistaken for an environment. Errors have the code fault.Unavailable
// and say what was tried and what to do; fault.Canceled or
// fault.DeadlineExceeded when ctx ended.
func Ensure(ctx context.Context, cfg Config) (Env, error) {
	s, err := newSetup(cfg)
	if err != nil {
		return Env{}, err
	}
	return s.ensure(ctx)
}

func (s *setup) ensure(ctx context.Context) (Env, error) {
	if named := s.named(); named != "" {
		return s.own(ctx, named)
	}
	if r, ok := readRecord(s.home()); ok {
		return s.env(r)
	}
	r, err := s.buildOnce(ctx)
	if err != nil {
		return Env{}, err
	}
	return s.env(r)
}

// Locate is [Ensure] without a build and without the check of an interpreter
// that was never used: it starts no process. The error is fault.Unavailable when
// there is no environment yet.
func Locate(cfg Config) (Env, error) {
	s, err := newSetup(cfg)
	if err != nil {
		return Env{}, err
	}
	return s.locate()
}

func (s *setup) locate() (Env, error) {
	if named := s.named(); named != "" {
		return s.knownOwn(named)
	}
	r, ok := readRecord(s.home())
	if !ok {
		return Env{}, fault.New(fault.Unavailable,
			"the Python environment has not been built yet in "+s.home()+": run `dspool env create`")
	}
	return s.env(r)
}

// named returns the interpreter that the user named, or "".
func (s *setup) named() string {
	if s.cfg.Lock != "" {
		return ""
	}
	return firstOf(s.cfg.Python, s.environ.get(PythonVariable))
}

// buildOnce builds the environment unless another process does it first.
func (s *setup) buildOnce(ctx context.Context) (record, error) {
	if err := os.MkdirAll(s.home(), 0o755); err != nil {
		return record{}, s.cacheTrouble(err)
	}
	tell := startReport(s.cfg.Progress)
	defer tell.stop()
	held, err := s.lockFolder(ctx, s.home(), tell)
	if err != nil {
		return record{}, ended(ctx, err)
	}
	defer held.release()
	if r, ok := readRecord(s.home()); ok {
		return r, nil
	}
	if held.alone {
		s.sweep()
	}
	return s.build(ctx, tell)
}

// ended puts the end of ctx before whatever followed from it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fault.Wrap(fault.CodeOf(ctx.Err()), err, "the Python environment was not built: "+context.Cause(ctx).Error())
}

// cacheTrouble is a cache folder that cannot be written.
func (s *setup) cacheTrouble(err error) error {
	return fault.Wrap(fault.Unavailable, err,
		"the cache folder "+s.cache+" cannot be used (set "+CacheVariable+" to another folder)")
}
