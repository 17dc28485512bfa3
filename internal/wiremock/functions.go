package wiremock

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
	"github.com/dspool/dspool/internal/wire"
)

// function returns the function of that name, nil if there is none. A function
// that returns nil and no error has answered by itself, or never will.
func function(name string) func(*call) (json.RawMessage, error) {
	functions := map[string]func(*call) (json.RawMessage, error){
		"echo": echo, "upper": upper, "sleep": sleep, "fail": fail, "pid": pid,
		"stream": stream, "bytes": giveBack, "host": askHost, "hang": hang, "heed": heed,
		"crash": crash, "crash_before_start": crash, "never_ack": crash, "exit": leave,
		"garbage": garbage, "half_frame": halfFrame, "oversize": oversize, "wrong_id": wrongID,
		"bad_result": badResult,
		"mute":       mute, "lag": lag, "grow": grow, "spin": spin,
		"work": work, "slow_reader": slowReader, "flood_stderr": floodStderr,
	}
	return functions[name]
}

// text returns a member of the input as a string, "" if it is none.
func (c *call) text(name string) string {
	var s string
	_ = json.Unmarshal(c.input[name], &s)
	return s
}

// number returns a member of the input as an integer, 0 if it is none.
func (c *call) number(name string) int {
	var n int
	_ = json.Unmarshal(c.input[name], &n)
	return n
}

// wait returns after d or, with an error, when the call is cancelled.
func (c *call) wait(d time.Duration) error {
	return delay.Wait(c.ctx, d)
}

func echo(c *call) (json.RawMessage, error) {
	if v, ok := c.input["text"]; ok {
		return v, nil
	}
	if len(c.raw) == 0 {
		return json.RawMessage("{}"), nil
	}
	return c.raw, nil
}

func upper(c *call) (json.RawMessage, error) { return encode(strings.ToUpper(c.text("text"))) }

// work leaves a trace outside, takes a while, and turns the text round.
func work(c *call) (json.RawMessage, error) {
	if err := c.leaveTrace(c.text("traces_to")); err != nil {
		return nil, err
	}
	if ms := c.number("ms"); ms > 0 {
		if err := c.wait(time.Duration(ms) * time.Millisecond); err != nil {
			return nil, err
		}
	}
	round := []rune(c.text("text"))
	slices.Reverse(round)
	return encode(strconv.Itoa(c.number("id")) + ":" + string(round))
}

// leaveTrace appends the call's own number to a file, in one write.
func (c *call) leaveTrace(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0) //nolint:gosec // the test's own file
	if err != nil {
		return fault.Wrap(fault.InvalidArgument, err, "no trace can be left")
	}
	_, err = file.WriteString(strconv.Itoa(c.number("id")) + "\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return fault.Wrap(fault.ProgramError, err, "no trace was left")
	}
	return nil
}

func pid(*call) (json.RawMessage, error) { return encode(os.Getpid()) }

func sleep(c *call) (json.RawMessage, error) {
	if err := c.wait(time.Duration(c.number("ms")) * time.Millisecond); err != nil {
		return nil, err
	}
	return encode(c.number("ms"))
}

func fail(c *call) (json.RawMessage, error) {
	return nil, fault.New(fault.Code(c.text("code")), c.text("message")).WithStarted(fault.StartedYes)
}

// stream yields n items, each when there is credit for it.
func stream(c *call) (json.RawMessage, error) {
	n := c.number("n")
	for i := range n {
		if !c.streamed {
			break
		}
		if err := c.event("item", strconv.AppendInt(nil, int64(i), 10)); err != nil {
			return nil, err
		}
	}
	return encode(n)
}

// event sends an EVENT when there is credit for it.
func (c *call) event(kind string, data []byte) error {
	select {
	case <-c.credits:
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	c.send(wire.Frame{Type: wire.TypeEvent, ID: c.id, Meta: wire.EventMeta{Kind: kind}.Append(nil), Body: data})
	return nil
}

// chunk streams a field whose value is text, if the caller takes a stream.
func (c *call) chunk(field string, value json.RawMessage) error {
	var decoded any
	_ = json.Unmarshal(value, &decoded) // what is no text is not streamed
	text, ok := decoded.(string)
	if !ok || !c.streamed {
		return nil
	}
	for at, word := range strings.SplitAfter(text, " ") {
		last := at == strings.Count(text, " ")
		data, err := encode(map[string]any{"predict": "self", "field": field, "text": word, "last": last})
		if err != nil {
			return err
		}
		if err := c.event("chunk", data); err != nil {
			return err
		}
	}
	return nil
}

func giveBack(c *call) (json.RawMessage, error) {
	meta := wire.ResultMeta{Attachments: c.order}
	body := []byte("{}")
	for _, a := range c.order {
		body = append(body, c.parts[a.Name]...)
	}
	c.finish(wire.Frame{Type: wire.TypeResult, ID: c.id, Meta: meta.Append(nil), Body: body})
	return nil, nil
}

func hang(c *call) (json.RawMessage, error) {
	<-c.session.ctx.Done()
	return nil, nil
}

func heed(c *call) (json.RawMessage, error) {
	<-c.ctx.Done()
	return nil, c.ctx.Err()
}
