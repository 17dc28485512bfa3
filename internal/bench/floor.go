package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/dspool/dspool/internal/mux"
)

// FloorCommand is the argument that turns the binary into the floor's process:
// see [ServeFloor].
const FloorCommand = "bench-floor"

const floorDescriptor = 3

// ServeFloor sends back every byte that comes in on descriptor 3, until the
// other side closes it. It is the whole of the floor's process.
func ServeFloor() error {
	return echoBytes(floorDescriptor)
}

// A floor is a byte-echo process with the ordinary client in front of it.
type floor struct {
	cmd  *exec.Cmd
	conn *mux.Conn
}

func startFloor(ctx context.Context, binary string) (*floor, error) {
	host, peer, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	defer peer.Close() //nolint:errcheck // the child has its own copy
	cmd := exec.CommandContext(ctx, binary, FloorCommand)
	cmd.ExtraFiles = []*os.File{peer}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("floor: %w", err), host.Close())
	}
	f := &floor{cmd: cmd}
	if f.conn, err = connectFloor(ctx, host); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

func connectFloor(ctx context.Context, host net.Conn) (*mux.Conn, error) {
	const nonce = "floor"
	echo, err := newEchoConn(host, nonce)
	if err != nil {
		return nil, err
	}
	conn := mux.New(echo, mux.Config{})
	if _, err := conn.Start(ctx); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	return conn, nil
}

// call sends one body through the floor and waits for it to come back.
func (f *floor) call(body []byte) error {
	pending, err := f.conn.Begin(&mux.Call{Program: "0123456789abcdef0123456789abcdef", Body: body, Deadline: time.Now().Add(time.Minute)})
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	<-pending.Done()
	outcome := pending.Outcome()
	if outcome.Err != nil {
		return fmt.Errorf("floor: %w", outcome.Err)
	}
	if len(outcome.Reply.Body) != len(body) {
		return fmt.Errorf("floor: %d bytes came back for %d", len(outcome.Reply.Body), len(body))
	}
	return nil
}

func (f *floor) stop() error {
	if f.conn != nil {
		f.conn.Close(nil)
		<-f.conn.Done()
	}
	_ = f.cmd.Process.Kill()
	_ = f.cmd.Wait()
	return nil
}
