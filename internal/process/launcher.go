package process

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"

	"github.com/dspool/dspool/fault"
)

// A Launcher starts processes, all from one OS thread of its own. Its methods
// may be called concurrently; starts are carried out one after another, each
// taking about a millisecond.
//
// On Linux every process dies at the latest when the launcher's thread does,
// which is at Close or when the host ends.
type Launcher struct {
	orders chan order
	quit   chan struct{}
	gone   chan struct{}
	close  sync.Once

	mu      sync.Mutex
	running map[*Process]struct{}
	reapers sync.WaitGroup
}

type order struct {
	spec  Spec
	reply chan started
}

type started struct {
	process *Process
	err     error
}

// NewLauncher takes an OS thread and keeps it until Close.
func NewLauncher() *Launcher {
	l := &Launcher{
		orders:  make(chan order),
		quit:    make(chan struct{}),
		gone:    make(chan struct{}),
		running: make(map[*Process]struct{}),
	}
	go l.run()
	return l
}

// run never unlocks its thread: when it returns the runtime ends the thread,
// and the kernel sends the parent-death signal to whatever is still there.
func (l *Launcher) run() {
	defer close(l.gone)
	runtime.LockOSThread()
	for {
		select {
		case o := <-l.orders:
			p, err := l.start(o.spec)
			o.reply <- started{p, err}
		case <-l.quit:
			return
		}
	}
}

// Start starts one program and returns as soon as it runs; whether it works
// is for the caller to find out. The error explains what is wrong with the
// file or the host. ctx bounds only the waiting for a turn.
func (l *Launcher) Start(ctx context.Context, spec Spec) (*Process, error) {
	o := order{spec: spec, reply: make(chan started, 1)}
	select {
	case l.orders <- o:
	case <-l.quit:
		return nil, fault.New(fault.ShuttingDown, "the launcher of worker processes is closed")
	case <-ctx.Done():
		return nil, fault.From(ctx.Err())
	}
	s := <-o.reply
	return s.process, s.err
}

// Close kills the process groups that are still there, waits until they are
// reaped and gives the thread back. Closing again does nothing but wait.
func (l *Launcher) Close() error {
	l.close.Do(func() {
		close(l.quit)
		<-l.gone
		for _, p := range l.all() {
			p.Kill()
		}
	})
	<-l.gone
	l.reapers.Wait()
	return nil
}

func (l *Launcher) all() []*Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*Process, 0, len(l.running))
	for p := range l.running {
		list = append(list, p)
	}
	return list
}

func (l *Launcher) start(spec Spec) (*Process, error) {
	s, err := openStdio()
	if err != nil {
		return nil, failedStart(err, spec.Path)
	}
	files := append([]*os.File{s.null, s.outW, s.errW}, spec.Files...)
	osp, err := os.StartProcess(spec.Path, spec.argv(), &os.ProcAttr{
		Dir: spec.Dir, Env: spec.env(), Files: files, Sys: attributes(),
	})
	s.closeChildEnds()
	if err != nil {
		s.closeHostEnds()
		return nil, failedStart(err, spec.Path)
	}
	p := &Process{
		pid: osp.Pid, os: osp, done: make(chan struct{}),
		stdout: Follow(s.outR, spec.Stdout, spec.Redact),
		stderr: Follow(s.errR, spec.Stderr, spec.Redact),
	}
	l.adopt(p)
	return p, nil
}

func (l *Launcher) adopt(p *Process) {
	l.mu.Lock()
	l.running[p] = struct{}{}
	l.mu.Unlock()
	l.reapers.Go(func() {
		p.reap()
		l.mu.Lock()
		delete(l.running, p)
		l.mu.Unlock()
		p.stdout.Flush()
		p.stderr.Flush()
	})
}

func failedStart(err error, path string) error {
	code := fault.Unavailable
	if exhausted(err) {
		code = fault.ResourceExhausted
	}
	return fault.Wrap(code, errors.Unwrap(err), "could not start "+path+": "+Diagnose(err, path))
}

// stdio is one /dev/null to read from and two pipes to write to.
type stdio struct{ null, outR, outW, errR, errW *os.File }

func openStdio() (s *stdio, err error) {
	s = &stdio{}
	defer func() {
		if err != nil {
			s.closeChildEnds()
			s.closeHostEnds()
		}
	}()
	if s.null, err = os.Open(os.DevNull); err != nil {
		return s, err
	}
	if s.outR, s.outW, err = os.Pipe(); err != nil {
		return s, err
	}
	s.errR, s.errW, err = os.Pipe()
	return s, err
}

func (s *stdio) closeChildEnds() { closeAll(s.null, s.outW, s.errW) }
func (s *stdio) closeHostEnds()  { closeAll(s.outR, s.errR) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
