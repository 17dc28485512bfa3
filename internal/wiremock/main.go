package wiremock

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/dspool/dspool/internal/wire"
)

// exitUsage is the exit code for arguments that make no sense.
const exitUsage = 64

// Main makes this process a mock worker: args are those after the program's
// name, "worker --settings JSON", as for the Python worker. It returns the exit
// code when the host is gone.
func Main(args []string) int { return serveProcess(args, nil) }

func serveProcess(args []string, ask func(Question) Act) int {
	err := run(args, ask)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mock worker:", err)
		return exitUsage
	}
	return 0
}

func run(args []string, ask func(Question) Act) error {
	if len(args) == 0 || args[0] != "worker" {
		return errors.New("the first argument must be worker")
	}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	text := flags.String("settings", "", "the worker's settings, JSON")
	if err := flags.Parse(args[1:]); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	config := Config{Exit: exit, Stderr: os.Stderr, Ask: ask}
	if err := json.Unmarshal([]byte(*text), &config.Settings); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	conn, err := open(config.Settings.Socket)
	if err != nil {
		return err
	}
	if config.Ledger, err = share(config.Settings); err != nil {
		return errors.Join(err, conn.Close())
	}
	return Serve(context.Background(), conn, config)
}

func open(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "socket") //nolint:gosec // a descriptor number
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("socket %d: %w", fd, err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("socket %d: %w", fd, err)
	}
	return conn, nil
}

// share maps the ledger.
func share(settings wire.Settings) ([]byte, error) {
	if settings.Ledger < 0 {
		return nil, nil
	}
	memory, err := syscall.Mmap(settings.Ledger, 0, settings.Slots*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the ledger: %w", err)
	}
	return memory, nil
}

func exit(code int) {
	if code < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.Signal(-code))
		select {} // the signal is on its way
	}
	os.Exit(code)
}
