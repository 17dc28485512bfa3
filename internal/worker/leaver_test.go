package worker

import (
	"encoding/json"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

// runLeaver is a worker that takes calls and begins none, closes its
// connection when it is to drain, and lives on.
func runLeaver(args []string) int {
	var settings wire.Settings
	if json.Unmarshal([]byte(args[len(args)-1]), &settings) != nil {
		return 1
	}
	hello, err := json.Marshal(wire.Hello{Version: wire.Version, PID: os.Getpid(), Nonce: settings.Nonce, Features: []string{}})
	if err != nil {
		return 1
	}
	socket := os.NewFile(uintptr(settings.Socket), "socket") //nolint:gosec // a descriptor
	if _, err := socket.Write(wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: hello})); err != nil {
		return 1
	}
	frames := wire.NewDecoder(socket, 0)
	for f, err := frames.Next(); f.Type != wire.TypeDrain; f, err = frames.Next() {
		if err != nil {
			return 1
		}
	}
	if socket.Close() != nil {
		return 1
	}
	select {}
}

// What the ledger says counts only once the process cannot begin anything more.
func TestACallThatNeverBeganIsGivenBackWhenItsWorkerIsDead(t *testing.T) {
	t.Parallel()
	s := started(t, NewSpawner(config(t, func(c *Config) { c.Command = append(c.Command, "leaver") })))
	w, err := s.Spawn(testkit.Context(t, patience), "w1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Begin(&mux.Call{Program: "echo", Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	w.Retire("the test")
	select {
	case <-p.Done():
	case <-testkit.Context(t, patience).Done():
		t.Fatal("the call did not end")
	}
	if o := p.Outcome(); o.Err == nil || o.Err.Started != fault.StartedNo {
		t.Errorf("the call ended with %v, want one that never began", o.Err)
	}
	if err := syscall.Kill(w.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the worker is still there when its calls are given back: %v", err)
	}
}
