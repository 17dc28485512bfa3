package zygotemock

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"

	"github.com/dspool/dspool/internal/wire"
)

const packetMax = 64 << 10

// Main makes this process a mock fork server: args are those after the
// program's name, "zygote --control FD --settings JSON", as for the Python one.
// It returns the exit code.
func Main(args []string) int {
	runtime.LockOSThread() // the parent-death signal of the workers follows it
	z, err := open(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mock fork server:", err)
		return exitUsage
	}
	if code, over := z.greet(); over {
		return code
	}
	return z.serve()
}

// A zygote is one run of the mock.
type zygote struct {
	control  *net.UnixConn
	settings wire.ZygoteSettings
	mode     string
	waits    sync.WaitGroup

	mu    sync.Mutex
	alive map[int]struct{}
}

func open(args []string) (*zygote, error) {
	if len(args) == 0 || args[0] != "zygote" {
		return nil, errors.New("the first argument must be zygote")
	}
	flags := flag.NewFlagSet("zygote", flag.ContinueOnError)
	fd := flags.Int("control", -1, "the control socket's descriptor")
	text := flags.String("settings", "", "the fork server's settings, JSON")
	if err := flags.Parse(args[1:]); err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	z := &zygote{mode: os.Getenv(Variable), alive: make(map[int]struct{})}
	if err := json.Unmarshal([]byte(*text), &z.settings); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	var err error
	z.control, err = adopt(*fd)
	return z, err
}

func adopt(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "control") //nolint:gosec // a descriptor
	if file == nil {
		return nil, syscall.EBADF
	}
	defer func() { _ = file.Close() }()
	conn, err := net.FileConn(file) // a copy that workers do not inherit
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	if control, ok := conn.(*net.UnixConn); ok {
		return control, nil
	}
	return nil, syscall.EPROTOTYPE
}

// greet says hello. It reports true if that was all.
func (z *zygote) greet() (code int, over bool) {
	hello := wire.ZygoteEvent{
		Event: wire.ZygoteHello, Version: wire.Version, PID: os.Getpid(), Nonce: z.settings.Nonce,
		Python: "none", DSPy: "none", ImportUS: 1,
	}
	switch z.mode {
	case Dies:
		fmt.Fprintln(os.Stderr, "ModuleNotFoundError: No module named 'dspy'")
		return 1, true
	case Silent:
		z.await()
		return 0, true
	case WrongNonce:
		hello.Nonce = "another"
	case WrongVersion:
		hello.Version = 99
	case Unsafe:
		hello.Unsafe = []string{"a thread was left behind"}
	case Failed:
		hello.Failed = []wire.PreloadFailed{{Module: "user", Error: "ImportError: no"}}
	}
	z.send(hello)
	return 0, false
}

// await returns when the host is gone.
func (z *zygote) await() {
	for {
		if n, err := z.control.Read(make([]byte, packetMax)); n == 0 || err != nil {
			return
		}
	}
}

// serve takes orders until the host is gone or wants no more.
func (z *zygote) serve() int {
	buf, oob := make([]byte, packetMax), make([]byte, 1<<10)
	for {
		n, rights, _, _, err := z.control.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			z.killAll()
			return 0
		}
		var order wire.Order
		if err := json.Unmarshal(buf[:n], &order); err != nil {
			return exitBroken
		}
		if order.Op == wire.OrderStop {
			z.waits.Wait()
			return 0
		}
		z.obey(order, oob[:rights])
	}
}

func (z *zygote) send(e wire.ZygoteEvent) {
	packet, err := json.Marshal(e)
	if err == nil {
		_, _ = z.control.Write(packet) // a host that is gone is noticed by the reader
	}
}
