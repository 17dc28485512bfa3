package worker

import (
	"encoding/json"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

// A fakeZygote is a fork server without Python: it forks nothing but starts the
// wire mock, and keeps every other promise of docs/PROTOCOL.md, section 7. The
// variable FAKE_ZYGOTE in its environment makes it break one.
type fakeZygote struct {
	control *net.UnixConn
	mode    string
	mu      sync.Mutex
	alive   map[int]*os.Process
	waits   sync.WaitGroup
}

// roles are what the test binary can be besides a mock worker.
func roles() []testkit.Command {
	return []testkit.Command{{Name: "zygote", Run: runFakeZygote}, {Name: "host", Run: runHost}}
}

func runFakeZygote(args []string) int {
	runtime.LockOSThread() // the parent-death signal of the children follows it
	signal.Ignore(syscall.SIGINT)
	fd, err := strconv.Atoi(args[2])
	if err != nil {
		return 64
	}
	var settings wire.ZygoteSettings
	if err := json.Unmarshal([]byte(args[4]), &settings); err != nil {
		return 64
	}
	control, err := hostEnd(fd)
	if err != nil {
		return 71
	}
	z := &fakeZygote{control: control, mode: os.Getenv("FAKE_ZYGOTE"), alive: make(map[int]*os.Process)}
	return z.run(settings)
}

func (z *fakeZygote) run(s wire.ZygoteSettings) int {
	hello := wire.ZygoteEvent{Event: wire.ZygoteHello, Version: wire.Version, PID: os.Getpid(), Nonce: s.Nonce, Python: "none", DSPy: "0"}
	switch z.mode {
	case "dies":
		_, _ = os.Stderr.WriteString("ModuleNotFoundError: No module named 'dspy'\n")
		return 1
	case "silent":
		select {}
	case "nonce":
		hello.Nonce = "another"
	case "unsafe":
		hello.Unsafe = []string{"a thread was left behind"}
	case "version":
		hello.Version = 99
	case "failed":
		hello.Failed = []wire.PreloadFailed{{Module: "user", Error: "ImportError: no"}}
	}
	z.send(hello)
	for {
		buf, oob := make([]byte, packetMax), make([]byte, 1024)
		n, on, _, _, err := z.control.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			z.killAll()
			return 0
		}
		var order wire.Order
		if json.Unmarshal(buf[:n], &order) != nil {
			return 65
		}
		if order.Op == wire.OrderStop {
			z.waits.Wait()
			return 0
		}
		z.fork(order, oob[:on])
	}
}

func (z *fakeZygote) send(e wire.ZygoteEvent) {
	packet, err := json.Marshal(e)
	if err == nil {
		_, _ = z.control.Write(packet)
	}
}

func (z *fakeZygote) killAll() {
	z.mu.Lock()
	defer z.mu.Unlock()
	for pid := range z.alive {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

func (z *fakeZygote) fork(order wire.Order, oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		os.Exit(66)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 4 {
		os.Exit(66)
	}
	files := make([]*os.File, len(fds))
	for i, fd := range fds {
		unix.CloseOnExec(fd)
		files[i] = os.NewFile(uintptr(fd), "order") //nolint:gosec // a descriptor
		defer func() { _ = files[i].Close() }()
	}
	switch z.mode {
	case "refuses":
		z.send(wire.ZygoteEvent{Event: wire.ZygoteRefused, Order: order.Order, Error: "no more processes"})
		return
	case "dies on order":
		os.Exit(9)
	}
	z.start(order, files)
}

func (z *fakeZygote) start(order wire.Order, files []*os.File) {
	order.Settings.Socket, order.Settings.Ledger = 3, 4
	text, err := json.Marshal(order.Settings)
	if err != nil {
		os.Exit(67)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		os.Exit(68)
	}
	defer func() { _ = null.Close() }()
	p, err := os.StartProcess(os.Args[0], []string{os.Args[0], "worker", "--settings", string(text)}, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{null, files[1], files[2], files[0], files[3]},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		z.send(wire.ZygoteEvent{Event: wire.ZygoteRefused, Order: order.Order, Error: err.Error()})
		return
	}
	z.mu.Lock()
	z.alive[p.Pid] = p
	z.mu.Unlock()
	z.send(wire.ZygoteEvent{Event: wire.ZygoteForked, Order: order.Order, PID: p.Pid})
	z.waits.Go(func() { z.reap(p) })
}

func (z *fakeZygote) reap(p *os.Process) {
	var info unix.Siginfo
	for unix.Waitid(unix.P_PID, p.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	state, err := p.Wait()
	if err != nil {
		os.Exit(69)
	}
	z.mu.Lock()
	delete(z.alive, p.Pid)
	z.mu.Unlock()
	e := wire.ZygoteEvent{Event: wire.ZygoteExited, PID: p.Pid, Code: state.ExitCode(), MaxRSSKB: 1}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = int(status.Signal())
	}
	z.send(e)
}
