package tap

import (
	"context"
	"io"
)

// A Tap returns what the host is to use as the connection to a worker.
type Tap func(worker string, conn io.ReadWriteCloser) io.ReadWriteCloser

type key struct{}

// With returns a context for the start of a pool whose connections go through
// the tap.
func With(ctx context.Context, t Tap) context.Context { return context.WithValue(ctx, key{}, t) }

// Conn returns the connection, through the tap if the context has one.
func Conn(ctx context.Context, worker string, conn io.ReadWriteCloser) io.ReadWriteCloser {
	if t, ok := ctx.Value(key{}).(Tap); ok {
		return t(worker, conn)
	}
	return conn
}
