package zygotemock

import (
	"encoding/json"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/internal/wire"
)

// obey carries out a fork order with the descriptors that came along: socket,
// stdout, stderr, ledger.
func (z *zygote) obey(order wire.Order, oob []byte) {
	files, err := received(oob)
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	switch {
	case z.mode == DiesOnOrder:
		os.Exit(exitBroken)
	case z.mode == Deaf:
		return
	case z.mode == Refuses:
		z.refuse(order, "no more processes")
		return
	case err != nil:
		z.refuse(order, err.Error())
		return
	}
	p, err := start(order, files)
	if err != nil {
		z.refuse(order, err.Error())
		return
	}
	z.mu.Lock()
	z.alive[p.Pid] = struct{}{}
	z.mu.Unlock()
	z.send(wire.ZygoteEvent{Event: wire.ZygoteForked, Order: order.Order, PID: p.Pid})
	z.waits.Go(func() { z.reap(p) })
}

func (z *zygote) refuse(order wire.Order, why string) {
	z.send(wire.ZygoteEvent{Event: wire.ZygoteRefused, Order: order.Order, Error: why})
}

func received(oob []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, os.NewSyscallError("control message", err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return files, os.NewSyscallError("descriptors", err)
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "ordered")) //nolint:gosec // a descriptor
		}
	}
	if len(files) != 4 {
		return files, syscall.EBADMSG
	}
	return files, nil
}

// start runs this binary as a worker. The caller holds the thread.
func start(order wire.Order, files []*os.File) (*os.Process, error) {
	order.Settings.Socket, order.Settings.Ledger = 3, 4
	text, err := json.Marshal(order.Settings)
	if err != nil {
		return nil, err //nolint:wrapcheck // goes into a message
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err //nolint:wrapcheck // goes into a message
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err //nolint:wrapcheck // goes into a message
	}
	defer func() { _ = null.Close() }()
	return os.StartProcess(self, []string{self, "worker", "--settings", string(text)}, &os.ProcAttr{ //nolint:wrapcheck // goes into a message
		Env: os.Environ(), Files: []*os.File{null, files[1], files[2], files[0], files[3]},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
}

// reap kills the rest of a dead worker's group before it collects the worker,
// and reports.
func (z *zygote) reap(p *os.Process) {
	var info unix.Siginfo
	for unix.Waitid(unix.P_PID, p.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		continue
	}
	z.mu.Lock()
	delete(z.alive, p.Pid)
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	state, err := p.Wait()
	z.mu.Unlock()
	if err != nil {
		return
	}
	e := wire.ZygoteEvent{Event: wire.ZygoteExited, PID: p.Pid, Code: state.ExitCode()}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = int(status.Signal())
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSSKB = usage.Maxrss
		e.UserUS, e.SystemUS = state.UserTime().Microseconds(), state.SystemTime().Microseconds()
	}
	z.send(e)
}

func (z *zygote) killAll() {
	z.mu.Lock()
	defer z.mu.Unlock()
	for pid := range z.alive {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}
