package wiremock

import (
	"encoding/json"
	"time"

	"github.com/dspool/dspool/internal/wire"
)

// vitals are what the worker says of itself when it is pinged. Guarded by the
// session's mu.
type vitals struct {
	muted bool
	lag   time.Duration
	rss   int64
}

func (s *session) pong(f wire.Frame) {
	s.mu.Lock()
	meta, muted := wire.PongMeta{Running: len(s.calls), Lag: s.vitals.lag.Microseconds(), RSS: s.vitals.rss}, s.vitals.muted
	s.mu.Unlock()
	if !muted {
		s.send(wire.Frame{Type: wire.TypePong, ID: f.ID, Meta: meta.Append(nil), Body: f.Body})
	}
}

// ready is what health checks call.
func ready(*call) (json.RawMessage, error) { return json.RawMessage("null"), nil }

// mute lets pings go unanswered from now on if "on" is 1, while calls are
// served.
func mute(c *call) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vitals.muted = c.number("on") == 1
	return encode(c.vitals.muted)
}

// lag has the event loop be late by "ms", or so the worker says.
func lag(c *call) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vitals.lag = time.Duration(c.number("ms")) * time.Millisecond
	return encode(c.number("ms"))
}

// grow uses "bytes" more of memory, or so the worker says.
func grow(c *call) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vitals.rss += int64(c.number("bytes"))
	return encode(c.vitals.rss)
}

// spin holds the reader up, as slow_reader does, and keeps the processor busy
// meanwhile: code that does not let the event loop turn.
func spin(c *call) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := time.Now().Add(time.Duration(c.number("ms")) * time.Millisecond)
	for time.Now().Before(end) && c.session.ctx.Err() == nil {
		continue
	}
	return encode("spun")
}
