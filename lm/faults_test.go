package lm_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

// A misbehaviour is what a provider does with a connection once it has read the
// request, if it does so.
type misbehaviour func(c net.Conn)

// provider starts a TCP server that treats every request in the same way until
// the test ends.
func provider(t *testing.T, does misbehaviour) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				stop := context.AfterFunc(t.Context(), func() { _ = c.Close() })
				defer stop()
				defer func() { _ = c.Close() }()
				if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					does(c)
				}
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String() + "/v1"
}

// says answers with raw bytes and goes.
func says(text string) misbehaviour {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

// floods sends a head and then a piece for ever.
func floods(head, piece string) misbehaviour {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, head); err != nil {
			return
		}
		block := []byte(strings.Repeat(piece, 64<<10/len(piece)+1))
		for {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	}
}

// waits says something and then nothing until the other side goes.
func waits(text string) misbehaviour {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

const (
	okHead    = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	wholeBody = `{"usage":{"prompt_tokens":1,"completion_tokens":1}}`
)

// Whatever a provider does, a request ends within its budget, with a typed error
// or an answer, whole or streamed, and nobody else is held up by it.
func TestWhateverAProviderDoesARequestEndsInTime(t *testing.T) {
	t.Parallel()
	const short, ample = 1500 * time.Millisecond, time.Minute
	tests := map[string]struct {
		does   misbehaviour
		change func(*lm.Model)
		code   fault.Code // "": an answer
		status int
		body   string
	}{
		"never answers":                {does: waits(""), code: fault.DeadlineExceeded},
		"never answers, with Timeout":  {does: waits(""), change: func(m *lm.Model) { m.Timeout = 20 * time.Millisecond }, code: fault.LMTimeout},
		"half a head":                  {does: waits("HTTP/1.1 200 OK\r\nContent-"), code: fault.DeadlineExceeded},
		"half a body":                  {does: waits(okHead + "Content-Length: 100\r\n\r\n{"), code: fault.DeadlineExceeded},
		"no HTTP":                      {does: says("SSH-2.0-OpenSSH_9.7\r\n"), code: fault.LMTransport},
		"a head without end":           {does: floods("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), code: fault.LMTransport},
		"a body without end":           {does: floods(okHead+"\r\n", "x"), code: fault.LMTransport},
		"a stream without end":         {does: floods("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", "data: {}\n\n"), code: fault.LMTransport},
		"a gigabyte that is announced": {does: floods(okHead+"Content-Length: 1073741824\r\n\r\n", "x"), code: fault.LMTransport},
		"a chunk without end":          {does: floods(okHead+"Transfer-Encoding: chunked\r\n\r\n", "1000\r\n"+strings.Repeat("x", 4096)+"\r\n"), code: fault.LMTransport},
		"a length that is too long":    {does: says(okHead + "Content-Length: 100\r\n\r\n{}"), code: fault.LMTransport},
		"a length that is too short":   {does: says(okHead + "Content-Length: 2\r\n\r\n{}{}{}{}"), status: 200, body: "{}"},
		"a length that is no number":   {does: says(okHead + "Content-Length: many\r\n\r\n{}"), code: fault.LMTransport},
		"garbage in gzip":              {does: says(okHead + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx"), code: fault.LMTransport},
		"goes without a word":          {does: says(""), code: fault.LMTransport},
		"a key that has expired": {
			does: says("HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nexpired"), status: 401, body: "expired",
		},
		"come back tomorrow": {
			does: says("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 86400\r\nContent-Length: 2\r\n\r\n{}"), status: 429, body: "{}",
			change: func(m *lm.Model) { m.Retry.Max = 5 },
		},
		"always overloaded": {
			does: says("HTTP/1.1 503 Overloaded\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), status: 503, body: "{}",
			change: func(m *lm.Model) {
				m.Retry = lm.Retry{Max: 5, Base: 50 * time.Millisecond, Cap: 50 * time.Millisecond}
			},
		},
		"a refusal without end": {does: floods("HTTP/1.1 500 No\r\n\r\n", "x"), status: 500, body: strings.Repeat("x", 1<<20)},
		"elsewhere":             {does: says("HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n"), code: fault.LMTransport},
	}
	for name, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streamed %t", name, stream), func(t *testing.T) {
				t.Parallel()
				url := provider(t, tt.does)
				e := connect(t, url, tt.change)
				sound := provider(t, says(okHead+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(wholeBody), wholeBody)))
				if err := e.Add("sound", lm.Model{Name: "openai/sound", Base: sound}); err != nil {
					t.Fatal(err)
				}
				budget := ample
				if tt.code == fault.DeadlineExceeded {
					budget = short // it is what ends the request
				}
				ctx, cancel := context.WithTimeout(t.Context(), budget)
				defer cancel()
				began := time.Now()
				req := request(url)
				req.Stream = stream
				status, body, err := exchange(ctx, e, "m", req)
				if fault.CodeOf(err) != tt.code || status != tt.status || body != tt.body {
					t.Errorf("status %d, %.40q, %v; want %d, %.40q, %s", status, body, err, tt.status, tt.body, tt.code)
				}
				if took := time.Since(began); took > budget+10*time.Second { // a loaded machine is not the provider's fault
					t.Errorf("it took %s", took)
				}
				if status, body, err := exchange(testkit.Context(t, patience), e, "sound", request(sound)); err != nil || status != 200 || body != wholeBody {
					t.Errorf("another model: %d, %q, %v", status, body, err)
				}
				for _, at := range e.Loads() {
					if at.InFlight != 0 || at.Waiting != 0 {
						t.Errorf("left behind: %+v", at)
					}
				}
			})
		}
	}
}

// exchange sends a request and reads its answer, none if it does not come whole.
func exchange(ctx context.Context, e *lm.Egress, id string, req *lm.Request) (status int, body string, err error) {
	resp, err := e.Exchange(ctx, id, req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", err
	}
	return resp.Status, string(raw), nil
}
