package wiremock

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
	"github.com/dspool/dspool/internal/wire"
)

// A Question is what a worker that is directed asks before it says HELLO, and
// before each call; and what it tells when a call has ended.
type Question struct {
	PID int `json:"pid"`
	// Program is the reference of the function that is called, or the kind of
	// another program; "" for HELLO. Probe marks a health check.
	Program string          `json:"program"`
	Probe   bool            `json:"probe,omitempty"`
	Call    uint64          `json:"call"`
	Session string          `json:"session,omitempty"`
	Input   json.RawMessage `json:"input,omitempty"`
	// Over means that the call has ended, with Output or with Code and Message.
	Over    bool            `json:"over,omitempty"`
	Output  json.RawMessage `json:"output,omitempty"`
	Code    fault.Code      `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
}

// An Act is what the worker is to do. The zero value is what it would do
// anyway. Of Do, Code and Output the first that is there counts.
type Act struct {
	// Delay comes first.
	Delay time.Duration `json:"delay,omitempty"`
	// Do is the name of a function of this package to run instead, with Args; at
	// HELLO "silent", "wrong_nonce", "garbage" or "exit".
	Do   string          `json:"do,omitempty"`
	Args json.RawMessage `json:"args,omitempty"`
	// Code and Message fail the call.
	Code    fault.Code `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	// Output answers it.
	Output json.RawMessage `json:"output,omitempty"`
}

// DirectedMain makes this process a mock worker that asks a director what to
// do: args are a name, the director's socket, and those of [Main].
func DirectedMain(args []string) int {
	const own = 2
	if len(args) < own {
		fmt.Fprintln(os.Stderr, "mock worker: the director's socket is missing")
		return exitUsage
	}
	line, err := net.Dial("unix", args[1]) //nolint:noctx // a local socket answers at once
	if err != nil {
		fmt.Fprintln(os.Stderr, "mock worker:", err)
		return exitUsage
	}
	defer line.Close() //nolint:errcheck // the end of the process closes it as well
	return serveProcess(args[own:], (&director{in: json.NewDecoder(line), out: json.NewEncoder(line)}).ask)
}

// A director is the worker's end of the line to who directs it.
type director struct {
	mu  sync.Mutex
	in  *json.Decoder
	out *json.Encoder
}

// ask returns what to do. Without a director that is what a worker does anyway.
func (d *director) ask(q Question) (act Act) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q.PID = os.Getpid()
	if d.out.Encode(q) != nil || d.in.Decode(&act) != nil {
		return Act{}
	}
	return act
}

// directed asks what to do with the call, and returns the program that does it.
func (c *call) directed(p *program) *program {
	if c.Ask == nil {
		return p
	}
	c.asks = Question{Program: p.ref, Probe: p.ref == wire.ProbeRef, Call: c.id, Session: c.key, Input: c.raw}
	act := c.Ask(c.asks)
	if len(act.Args) > 0 {
		_ = json.Unmarshal(act.Args, &c.input)
	}
	return act.program(p)
}

// program returns the program that does the act.
func (a Act) program(usual *program) *program {
	p := a.instead(usual)
	if a.Delay <= 0 {
		return p
	}
	return &program{name: p.name, does: func(c *call) (json.RawMessage, error) {
		if err := c.wait(a.Delay); err != nil {
			return nil, err
		}
		return p.run(c)
	}}
}

func (a Act) instead(usual *program) *program {
	does := function(a.Do)
	switch {
	case a.Do != "" && does == nil:
		return failing(fault.Newf(fault.InvalidArgument, "the mock knows no mischief %q", a.Do))
	case does != nil:
		return &program{name: a.Do, does: does}
	case a.Code != "":
		return failing(fault.New(a.Code, a.Message).WithStarted(fault.StartedYes))
	case a.Output != nil:
		return &program{does: func(*call) (json.RawMessage, error) { return a.Output, nil }}
	default:
		return usual
	}
}

func failing(err *fault.Error) *program {
	return &program{does: func(*call) (json.RawMessage, error) { return nil, err }}
}

// over tells the director how the call ended, before the host hears of it.
func (c *call) over(f wire.Frame) {
	if c.Ask == nil {
		return
	}
	q := c.asks
	q.Over, q.Input = true, nil
	if f.Type == wire.TypeResult {
		q.Output = f.Body
	} else if bad, err := wire.DecodeFault(f.Body); err == nil {
		failed := bad.Error()
		q.Code, q.Message = fault.CodeOf(failed), failed.Message
	}
	c.Ask(q)
}

// errSilent ends a worker that was told to say nothing, once its host is gone.
var errSilent = errors.New("silent") //nolint:gochecknoglobals // a sentinel

// greeting does what the director wants at HELLO. It returns the nonce to say.
func (s *session) greeting() (nonce string, err error) {
	nonce = s.Settings.Nonce
	if s.Ask == nil {
		return nonce, nil
	}
	act := s.Ask(Question{})
	_ = delay.Wait(s.ctx, act.Delay) // what follows finds out that the connection has ended
	switch act.Do {
	case "silent":
		_, _ = s.in.Next() // until the host gives up
		return "", errSilent
	case "wrong_nonce":
		nonce = "not " + nonce
	case "garbage":
		s.write([]byte("this is no HELLO, and no frame at all\n"))
	case "exit":
		var code struct{ Code int }
		_ = json.Unmarshal(act.Args, &code)
		s.exit(code.Code)
	}
	return nonce, nil
}
