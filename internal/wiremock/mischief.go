package wiremock

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/dspool/dspool/internal/delay"
	"github.com/dspool/dspool/internal/wire"
)

// killed is the exit code that stands for SIGKILL.
const killed = -9

func crash(c *call) (json.RawMessage, error) {
	c.exit(killed)
	return nil, nil
}

func leave(c *call) (json.RawMessage, error) {
	c.exit(c.number("code"))
	return nil, nil
}

// garbage sends a frame of a type that nobody knows, whose length is right,
// and then the answer: the host must survive the one and read the other.
func garbage(c *call) (json.RawMessage, error) {
	bad := wire.Append(nil, wire.Frame{Type: wire.TypeResult, ID: c.id, Body: []byte("\x00\xff\x00\xff")})
	bad[typeOffset] = 0xEE
	c.write(bad)
	return encode("after the garbage")
}

// typeOffset is where a header has its type byte.
const typeOffset = 4

func halfFrame(c *call) (json.RawMessage, error) {
	whole := wire.Append(nil, wire.Frame{Type: wire.TypeResult, ID: c.id, Body: []byte(`"cut off in the middle"`)})
	c.write(whole[:len(whole)/2])
	c.exit(killed)
	return nil, nil
}

func oversize(c *call) (json.RawMessage, error) {
	return encode(strings.Repeat("x", c.Settings.FrameLimit+1))
}

// badResult answers with a RESULT that cannot be used, and lives on.
func badResult(c *call) (json.RawMessage, error) {
	c.finish(wire.Frame{Type: wire.TypeResult, ID: c.id, Meta: []byte(`[]`), Body: []byte("1")})
	return nil, nil
}

// wrongID answers a call that nobody made before it answers its own.
func wrongID(c *call) (json.RawMessage, error) {
	c.send(wire.Frame{Type: wire.TypeResult, ID: c.id + 1<<40, Body: []byte(`"for somebody else"`)})
	return encode("mine")
}

// slowReader holds up the reader: no frame is taken off the socket meanwhile.
func slowReader(c *call) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = delay.Wait(c.session.ctx, time.Duration(c.number("ms"))*time.Millisecond)
	return encode("read on")
}

func floodStderr(c *call) (json.RawMessage, error) {
	n := c.number("bytes")
	line := strings.Repeat("e", 99) + "\n"
	for written := 0; c.Stderr != nil && written < n; written += len(line) {
		if _, err := c.Stderr.Write([]byte(line)); err != nil {
			break
		}
	}
	return encode(n)
}

// reply is the host's answer to a host call.
type reply struct {
	body json.RawMessage
	err  error
}

// askHost calls the host and gives its answer back.
func askHost(c *call) (json.RawMessage, error) {
	answered := make(chan reply, 1)
	c.mu.Lock()
	c.lastAsk++
	id := c.lastAsk
	c.asked[id] = answered
	c.mu.Unlock()
	meta := wire.HostCallMeta{Method: c.text("method"), Call: c.id}
	c.send(wire.Frame{Type: wire.TypeHostCall, ID: id, Meta: meta.Append(nil), Body: c.input["args"]})
	select {
	case r := <-answered:
		return r.body, r.err
	case <-c.ctx.Done():
		c.send(wire.Frame{Type: wire.TypeHostCancel, ID: id})
		return nil, c.ctx.Err()
	}
}

func (s *session) answered(f wire.Frame) {
	s.mu.Lock()
	waiting := s.asked[f.ID]
	delete(s.asked, f.ID)
	s.mu.Unlock()
	if waiting == nil {
		return
	}
	if f.Type == wire.TypeHostResult {
		waiting <- reply{body: f.Body}
		return
	}
	bad, err := wire.DecodeFault(f.Body)
	if err == nil {
		err = bad.Error()
	}
	waiting <- reply{err: err}
}
