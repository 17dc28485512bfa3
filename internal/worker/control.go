package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
	"github.com/dspool/dspool/internal/wire"
)

// packetMax is the size of the largest message on the control socket.
const packetMax = 64 << 10

// greet waits for the fork server's hello.
func (z *zygote) greet(ctx context.Context, nonce string) error {
	ctx, cancel := context.WithTimeout(ctx, z.cfg.StartTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = z.control.SetReadDeadline(time.Now()) })()
	hello, err := z.receive()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case hello.Event != wire.ZygoteHello || hello.Nonce != nonce:
		return fault.New(fault.Protocol, "the fork server's first message is not the hello of this start")
	case hello.Version != wire.Version:
		return fault.Newf(fault.Protocol, "the fork server speaks protocol version %d, this is version %d", hello.Version, wire.Version)
	}
	z.hello = hello
	return nil
}

// whyNot explains a failed start, after the process has ended.
func (z *zygote) whyNot(ctx context.Context, cause error) error {
	exit := z.process.Exit()
	err := &fault.Error{Code: fault.Unavailable, Worker: ForkServerID, Details: Exit{Exit: exit, Known: true}.details()}
	hint := exit.Hint()
	switch {
	case ctx.Err() != nil:
		err.Code, err.Message, hint = fault.CodeOf(ctx.Err()), "the start of the fork server was given up", ""
	case errors.Is(cause, context.DeadlineExceeded):
		err.Message, hint = fmt.Sprintf("the fork server did not say hello within %v", z.cfg.StartTimeout), ""
	case fault.CodeOf(cause) == fault.Protocol:
		err.Code, err.Message, hint = fault.Protocol, fault.From(cause).Message, ""
	case exit.Code == wire.SandboxExitCode:
		err.Code, err.Message, hint = fault.Unsupported, "the fork server could not go into its sandbox", ""
	default:
		err.Message = "the fork server ended before it was ready: " + exit.String()
	}
	if hint != "" {
		err.Message += "; " + hint
	}
	if last := exit.Last(1); last != "" {
		err.Message += "; its last words: " + last
	}
	return err
}

// send sends one fork order with its descriptors.
func (z *zygote) send(id uint64, s wire.Settings, rights []byte) error {
	packet, err := json.Marshal(wire.Order{Op: wire.OrderFork, Order: id, Settings: &s})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "could not write an order for the fork server")
	}
	if len(packet) > packetMax {
		return fault.Newf(fault.InvalidArgument, "the settings of a worker take %d bytes, the fork server takes %d; shorten the list of folders", len(packet), packetMax)
	}
	_ = z.control.SetWriteDeadline(time.Now().Add(sendGrace))
	_, _, err = z.control.WriteMsgUnix(packet, rights, nil)
	if err != nil {
		z.process.Kill()
		<-z.broken
		return fault.Wrap(fault.Unavailable, err, "the fork server takes no orders")
	}
	return nil
}

// stop asks the fork server to end when no child is left.
func (z *zygote) stop() {
	packet, err := json.Marshal(wire.Order{Op: wire.OrderStop})
	if err != nil {
		return
	}
	_ = z.control.SetWriteDeadline(time.Now().Add(sendGrace))
	_, _ = z.control.Write(packet)
}

// receive returns the next message.
func (z *zygote) receive() (wire.ZygoteEvent, error) {
	buf := make([]byte, packetMax)
	n, _, _, _, err := z.control.ReadMsgUnix(buf, nil)
	switch {
	case err != nil:
		return wire.ZygoteEvent{}, err
	case n == 0:
		return wire.ZygoteEvent{}, io.EOF
	}
	return wire.DecodeZygoteEvent(buf[:n])
}

func (z *zygote) isBroken() bool {
	select {
	case <-z.broken:
		return true
	default:
		return false
	}
}

func (z *zygote) info() Info {
	i := Info{Kind: KindForkServer, PID: z.process.PID(), Python: z.hello.Python, DSPy: z.hello.DSPy, Isolation: z.hello.Sandbox}
	if z.isBroken() {
		i.Ended = z.obituary()
	}
	for _, f := range z.hello.Failed {
		i.Failed = append(i.Failed, f.Module+": "+f.Error)
	}
	return i
}

// obituary says how the fork server ended.
func (z *zygote) obituary() string {
	select {
	case <-z.process.Done():
	default:
		return "it lost its connection"
	}
	exit := z.process.Exit()
	text := exit.String()
	if hint := exit.Hint(); hint != "" {
		text += "; " + hint
	}
	if last := exit.Last(1); last != "" {
		text += "; its last words: " + last
	}
	return text
}

// exitOf translates the fork server's report.
func exitOf(e wire.ZygoteEvent) process.Exit {
	return process.Exit{
		Code: e.Code, Signal: syscall.Signal(e.Signal), MaxRSS: e.MaxRSSKB << 10,
		User:   time.Duration(e.UserUS) * time.Microsecond,
		System: time.Duration(e.SystemUS) * time.Microsecond,
	}
}
