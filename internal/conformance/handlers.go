package conformance

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
)

// Handlers are the suite's programs for a [dspool.Mock], and for any Runner in
// this process.
func Handlers() map[string]dspool.MockHandler {
	return map[string]dspool.MockHandler{
		"mock:echo":   handleEcho,
		"mock:stream": handleStream,
		"mock:sleep":  handleSleep,
		"mock:upper": dspool.MockFunc(func(_ context.Context, in struct{ Text string }) (string, error) {
			return strings.ToUpper(in.Text), nil
		}),
		"mock:fail": dspool.MockFunc(func(_ context.Context, in struct{ Code, Message string }) (any, error) {
			return nil, fault.New(fault.Code(in.Code), in.Message)
		}),
		"mock:pid": func(context.Context, *dspool.MockCall) (any, error) { return os.Getpid(), nil },
		"mock:bytes": func(_ context.Context, c *dspool.MockCall) (any, error) {
			return dspool.Response{Output: []byte("{}"), Attachments: c.Request.Attachments}, nil
		},
		"mock:heed": func(ctx context.Context, _ *dspool.MockCall) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}
}

func handleEcho(_ context.Context, c *dspool.MockCall) (any, error) {
	var members map[string]json.RawMessage
	if err := c.Decode(&members); err != nil {
		return nil, err
	}
	if text, ok := members["text"]; ok {
		return text, nil
	}
	return c.Request.Input, nil
}

func handleStream(_ context.Context, c *dspool.MockCall) (any, error) {
	var in struct{ N int }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	for i := range in.N {
		if err := c.EmitItem(i); err != nil {
			return nil, err
		}
	}
	return in.N, nil
}

func handleSleep(ctx context.Context, c *dspool.MockCall) (any, error) {
	var in struct{ MS int }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := delay.Wait(ctx, time.Duration(in.MS)*time.Millisecond); err != nil {
		return nil, err
	}
	return in.MS, nil
}
