package mux_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

// The floor: what the client costs in front of a process that only sends bytes
// back. Whatever a worker adds is measured against this.

// byteEcho is that process: a blocking read and write in a loop.
func byteEcho([]string) int {
	const fd = 3
	runtime.LockOSThread()
	if unix.SetNonblock(fd, false) != nil {
		return 1
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 {
			return 0
		}
		for b := buf[:n]; len(b) > 0; {
			n, err := unix.Write(fd, b)
			if err != nil {
				return 1
			}
			b = b[n:]
		}
	}
}

// echoed makes an echo look like a worker: it puts a HELLO first and turns the
// type of every frame that comes back into RESULT, in place.
type echoed struct {
	*net.UnixConn
	hello []byte
	at    int // bytes of the current header seen
	head  [wire.HeaderSize]byte
	skip  int
}

func (e *echoed) Read(b []byte) (int, error) {
	if len(e.hello) > 0 {
		n := copy(b, e.hello)
		e.hello = e.hello[n:]
		return n, nil
	}
	n, err := e.UnixConn.Read(b)
	e.rewrite(b[:n])
	return n, err
}

func (e *echoed) rewrite(b []byte) {
	for len(b) > 0 {
		if e.skip > 0 {
			n := min(e.skip, len(b))
			e.skip -= n
			b = b[n:]
			continue
		}
		if i := 4 - e.at; i >= 0 && i < len(b) {
			b[i] = byte(wire.TypeResult)
		}
		n := copy(e.head[e.at:], b)
		e.at += n
		b = b[n:]
		if e.at == wire.HeaderSize {
			e.at = 0
			e.skip = int(binary.BigEndian.Uint32(e.head[:]))
		}
	}
}

// startEcho returns a connection to an echo process of its own.
func startEcho(tb testing.TB, sendBuffer int) *mux.Conn {
	tb.Helper()
	host, far := socketFiles(tb)
	for _, f := range []*os.File{host, far} {
		if sendBuffer > 0 {
			if err := unix.SetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer); err != nil {
				tb.Fatal(err)
			}
		}
	}
	cmd := exec.Command(testkit.Worker(tb)[0], "byte-echo")
	if c := os.Getenv("DSPOOL_FLOOR"); c != "" {
		cmd = exec.Command(c)
	}
	cmd.ExtraFiles = []*os.File{far}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_ = far.Close()
	hello := wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: []byte(`{"version":1}`)})
	conn := mux.New(&echoed{UnixConn: unixConn(tb, host), hello: hello}, mux.Config{})
	tb.Cleanup(func() {
		conn.Close(nil)
		<-conn.Done()
		_ = cmd.Wait()
	})
	if _, err := conn.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// BenchmarkFloor measures calls through a byte echo: bodies of 64 bytes and
// 1 MB, 64 callers on two connections and one caller on one.
func BenchmarkFloor(b *testing.B) {
	for _, size := range []int{64, 1 << 20} {
		body := []byte(`{"text":"` + strings.Repeat("x", size) + `"}`)
		for _, shape := range []struct{ callers, conns int }{{1, 1}, {64, 2}} {
			for _, buffer := range []int{0, 1 << 20, 4 << 20} {
				if size == 64 && buffer == 1<<20 {
					continue
				}
				name := fmt.Sprintf("bytes=%d/callers=%d/sndbuf=%d", size, shape.callers, buffer)
				b.Run(name, func(b *testing.B) {
					conns := make([]*mux.Conn, shape.conns)
					for i := range conns {
						conns[i] = startEcho(b, buffer)
					}
					measure(b, conns, shape.callers, body)
				})
			}
		}
	}
}

// measure makes b.N calls and reports the median beside the mean.
func measure(b *testing.B, conns []*mux.Conn, callers int, body []byte) {
	b.Helper()
	b.ReportAllocs()
	program := strings.Repeat("p", 32)
	took := make([][]time.Duration, callers)
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for i := range callers {
		all.Go(func() {
			conn := conns[i%len(conns)]
			for left.Add(-1) >= 0 {
				at := time.Now()
				p, err := conn.Begin(&mux.Call{Program: program, Body: body, Deadline: at.Add(time.Minute)})
				if err != nil {
					b.Error(err)
					return
				}
				<-p.Done()
				if n := len(p.Outcome().Reply.Body); n == 0 {
					b.Errorf("%d bytes came back, want %d: %v", n, len(body), p.Outcome().Err)
					return
				}
				took[i] = append(took[i], time.Since(at))
			}
		})
	}
	all.Wait()
	elapsed := time.Since(start)
	b.StopTimer()
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "calls/s")
	b.ReportMetric(float64(sorted[len(sorted)/2].Nanoseconds())/1e3, "p50-us")
	b.ReportMetric(float64(sorted[len(sorted)*99/100].Nanoseconds())/1e3, "p99-us")
}
