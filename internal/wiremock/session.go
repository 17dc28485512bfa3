package wiremock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// A Config says how a mock worker behaves. Exit and Stderr may be left out.
type Config struct {
	Settings wire.Settings
	// Ledger is the memory shared with the host, nil for none.
	Ledger []byte
	// Exit ends the process, with SIGKILL if code is negative. Nil closes the
	// connection instead, for workers inside a test's own process.
	Exit func(code int)
	// Stderr is where the mock writes what it is asked to write.
	Stderr io.Writer
	// Ask is asked what to do. Nil: whatever the programs say.
	Ask func(Question) Act
}

// Serve runs a worker on conn until the host is gone, has drained it, or ctx
// ends. It waits for all calls that heed their cancellation; nil means that the
// worker left in good order.
func Serve(ctx context.Context, conn io.ReadWriteCloser, config Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{
		Config: config, ctx: ctx, conn: conn, out: bufio.NewWriter(conn),
		in:       wire.NewDecoder(conn, config.Settings.FrameLimit),
		programs: map[string]*program{}, waiting: map[string][]*call{}, calls: map[uint64]*call{}, objects: map[string]map[string]*counter{}, asked: map[uint64]chan reply{},
	}
	stopped := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stopped()
	err := s.serve()
	_ = conn.Close() // who is told to stop now has nobody to tell
	cancel()
	s.work.Wait()
	return errors.Join(err, s.conn.Close())
}

// A session is one connection's life.
type session struct {
	Config
	ctx  context.Context //nolint:containedctx // the life of the session itself
	conn io.ReadWriteCloser
	in   *wire.Decoder
	work sync.WaitGroup // calls that end when they are cancelled

	writing sync.Mutex
	out     *bufio.Writer

	mu       sync.Mutex
	programs map[string]*program
	waiting  map[string][]*call // by program hash, until DEFINE
	calls    map[uint64]*call
	asked    map[uint64]chan reply // host calls
	lastAsk  uint64
	objects  map[string]map[string]*counter // by session and class
	draining bool
	vitals   vitals
}

// errDrained ends the read loop of a worker whose last call has ended.
var errDrained = errors.New("drained") //nolint:gochecknoglobals // a sentinel

func (s *session) serve() error {
	if err := s.hello(); err != nil {
		if errors.Is(err, errSilent) {
			return nil
		}
		return err
	}
	for {
		frame, err := s.in.Next()
		var bad *wire.FrameError
		switch {
		case errors.As(err, &bad) && !bad.Fatal:
			s.send(wire.Frame{Type: wire.TypeError, ID: bad.ID, Body: bad.Fault().Append(nil)})
			continue
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed), errors.Is(err, io.ErrClosedPipe):
			return nil
		case err != nil:
			return fmt.Errorf("mock worker: %w", err)
		}
		if err := s.handle(frame); err != nil {
			if errors.Is(err, errDrained) {
				return nil
			}
			s.send(wire.Frame{Type: wire.TypeError, ID: frame.ID, Body: wire.FaultOf(err).Append(nil)})
		}
	}
}

func (s *session) hello() error {
	if v := s.Settings.Versions; v[0] > wire.Version || v[1] < wire.Version {
		s.exit(wire.VersionExitCode)
		return fault.Newf(fault.Unsupported, "mock worker: the host speaks versions %d to %d", v[0], v[1])
	}
	nonce, err := s.greeting()
	if err != nil {
		return err
	}
	body := fmt.Appendf(nil, `{"version":%d,"pid":%d,"nonce":%q,"python":"","implementation":"mock","features":["objects","tenants"]}`,
		wire.Version, os.Getpid(), nonce)
	s.send(wire.Frame{Type: wire.TypeHello, Body: body})
	return nil
}

func (s *session) handle(f wire.Frame) error {
	switch f.Type {
	case wire.TypeCall:
		return s.accept(f)
	case wire.TypeDefine:
		return s.define(f)
	case wire.TypeCancel:
		return s.cancel(f)
	case wire.TypeCredit:
		return s.credit(f)
	case wire.TypePing:
		s.pong(f)
		return nil
	case wire.TypeDrain:
		return s.drain()
	case wire.TypeRelease:
		return s.release(f)
	case wire.TypeHostResult, wire.TypeHostError:
		s.answered(f)
		return nil
	case wire.TypeError:
		return nil // never answered
	default:
		return fault.Newf(fault.Protocol, "a host does not send %s", f.Type)
	}
}

func (s *session) drain() error {
	s.mu.Lock()
	s.draining = true
	idle := len(s.calls) == 0
	s.mu.Unlock()
	if idle {
		return s.leave()
	}
	return nil
}

// leave says goodbye and ends the worker.
func (s *session) leave() error {
	s.send(wire.Frame{Type: wire.TypeGoodbye, Meta: wire.GoodbyeMeta{Why: "drained"}.Append(nil)})
	if s.Exit != nil {
		s.Exit(0)
	}
	_ = s.conn.Close()
	return errDrained
}

// exit ends the worker at once.
func (s *session) exit(code int) {
	if s.Exit != nil {
		s.Exit(code)
	}
	_ = s.conn.Close()
}

// send writes one frame. A host that is gone is noticed by the reader.
func (s *session) send(f wire.Frame) {
	s.write(wire.Append(nil, f))
}

func (s *session) write(b []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, _ = s.out.Write(b)
	_ = s.out.Flush()
}
