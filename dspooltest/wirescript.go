package dspooltest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wiremock"
)

// A script is what a Wire has been told. The Wire's lock guards it.
type script struct {
	hello      wiremock.Act
	answers    map[string]wiremock.Act
	steps      []step
	unexpected []string
	faults     []*wireFault
	dice       *rand.Rand
}

type step struct {
	program string
	act     wiremock.Act
}

type wireFault struct {
	WireFault

	act   wiremock.Act
	count int
}

// decide returns what is done with a call; struck tells that a fault decided.
func (s *script) decide(program string) (act wiremock.Act, struck bool) {
	if act, hit := s.chance(program); hit {
		return act, true
	}
	if len(s.steps) > 0 {
		return s.follow(program), false
	}
	if act, found := s.answers[program]; found {
		return act, false
	}
	return s.answers[""], false
}

func (s *script) chance(program string) (wiremock.Act, bool) {
	for _, f := range s.faults {
		fits := (f.Program == "" || f.Program == program) && (f.Times == 0 || f.count < f.Times)
		if fits && (f.Probability == 0 || s.dice.Float64() < f.Probability) {
			f.count++
			return f.act, true
		}
	}
	return wiremock.Act{}, false
}

func (s *script) follow(program string) wiremock.Act {
	next := s.steps[0]
	if next.program != program {
		bad := fmt.Sprintf("%s was called, but %s is expected next", program, next.program)
		s.unexpected = append(s.unexpected, bad)
		return wiremock.Act{Code: fault.InvalidArgument, Message: bad}
	}
	s.steps = s.steps[1:]
	return next.act
}

// accept serves the workers that connect, until the Wire is closed.
func (w *Wire) accept() {
	for {
		conn, err := w.line.Accept()
		if err != nil {
			return
		}
		if w.enter(conn) {
			w.serving.Go(func() { w.serve(conn) })
		}
	}
}

// enter takes note of a connection, unless the Wire has been closed meanwhile.
func (w *Wire) enter(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = conn.Close()
		return false
	}
	w.conns[conn] = true
	return true
}

// serve answers one worker's questions until it is gone.
func (w *Wire) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, conn)
	}()
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	for {
		var q wiremock.Question
		if in.Decode(&q) != nil || out.Encode(w.judge(q)) != nil {
			return
		}
	}
}

func (w *Wire) close() {
	_ = w.line.Close()
	w.mu.Lock()
	w.closed = true
	for conn := range w.conns {
		_ = conn.Close()
	}
	w.mu.Unlock()
	w.serving.Wait()
}

func (w *Wire) judge(q wiremock.Question) wiremock.Act {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case q.Over:
		w.over(q)
		return wiremock.Act{}
	case q.Program == "":
		w.stats.Hellos++
		return w.script.hello
	case q.Probe:
		if w.unhealthy {
			return wiremock.Act{Do: string(Silence)} // any answer would be a sign of health
		}
		return wiremock.Act{}
	}
	w.stats.Requests++
	w.open[wireKey{q.PID, q.Call}] = len(w.history)
	w.history = append(w.history, WireRecord{PID: q.PID, Program: q.Program, Session: q.Session, Input: q.Input, At: time.Now()})
	if w.unhealthy {
		return unhealthy()
	}
	act, struck := w.script.decide(q.Program)
	if struck {
		w.stats.Errors++
	}
	return act
}

func unhealthy() wiremock.Act {
	return wiremock.Act{Code: fault.Unavailable, Message: "the mock worker is unhealthy"}
}

// over notes how a call ended.
func (w *Wire) over(q wiremock.Question) {
	if q.Probe {
		return
	}
	w.stats.Responses++
	key := wireKey{q.PID, q.Call}
	at, known := w.open[key]
	if !known {
		return // it came before a Reset
	}
	delete(w.open, key)
	r := &w.history[at]
	r.Done, r.Output, r.Code, r.Message = true, q.Output, q.Code, q.Message
}
