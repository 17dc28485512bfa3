package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/dspool/dspool/internal/process"
)

// peers starts what the predictions of the pool are compared with: none if
// the environment for them is not there.
func (b *bencher) peers(ctx context.Context, base string) ([]*rival, error) {
	if b.Peers == "" {
		return nil, nil
	}
	fastapi, err := b.fastapi(ctx, base)
	if err != nil {
		return nil, err
	}
	tasks, err := b.tasks(ctx, base)
	if err != nil {
		return nil, errors.Join(err, fastapi.stop())
	}
	return []*rival{fastapi, tasks}, nil
}

// fastapi is DSPy's own way to deploy: FastAPI, and uvicorn with two workers.
func (b *bencher) fastapi(ctx context.Context, base string) (*rival, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	c, err := b.start(ctx, "FastAPI", process.Spec{
		Path: b.PeersPython, Dir: b.Peers, Env: []string{"LM_BASE=" + base},
		Args: []string{
			"-m", "uvicorn", "app:app", "--workers", strconv.Itoa(predictWorkers), "--host", "127.0.0.1",
			"--port", port, "--log-level", "warning", "--no-access-log",
		},
	})
	if err != nil {
		return nil, err
	}
	if err := c.ready(ctx, predictWorkers); err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: predictCallers}}
	url := "http://127.0.0.1:" + port + "/predict"
	call := questions(func(ctx context.Context, input []byte) ([]byte, error) { return post(ctx, client, url, input) })
	return &rival{
		name: "fastapi",
		round: func(ctx context.Context, during time.Duration) (float64, error) {
			return throughput(ctx, predictCallers, during, call)
		},
		stop: func() error {
			client.CloseIdleConnections()
			return c.stop()
		},
	}, nil
}

// post sends JSON and returns the answer's.
func post(ctx context.Context, client *http.Client, url string, input []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(input))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return body, err
}

func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// tasks is one process with DSPy's own client, whose callers are tasks in it.
func (b *bencher) tasks(ctx context.Context, base string) (*rival, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c, err := b.start(ctx, "the asyncio process", process.Spec{
		Path: b.PeersPython, Dir: b.Peers, Args: []string{"tasks.py"}, Env: []string{"LM_BASE=" + base}, Files: []*os.File{theirs},
	})
	err = errors.Join(err, theirs.Close())
	if err == nil {
		err = c.ready(ctx, 1)
	}
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	return &rival{
		name: "asyncio",
		round: func(ctx context.Context, during time.Duration) (float64, error) {
			return order(ctx, c, ours, during)
		},
		stop: func() error { return errors.Join(ours.Close(), c.stop()) },
	}, nil
}

// order lets the asyncio process make one round.
func order(ctx context.Context, c *child, orders io.Writer, during time.Duration) (float64, error) {
	if err := json.NewEncoder(orders).Encode(map[string]any{"seconds": during.Seconds(), "callers": predictCallers}); err != nil {
		return 0, err
	}
	line, err := c.line(ctx)
	if err != nil {
		return 0, err
	}
	var made struct {
		Calls, Seconds float64
		Error          string
	}
	if err := json.Unmarshal([]byte(line), &made); err != nil || made.Error != "" || made.Seconds <= 0 {
		return 0, fmt.Errorf("the asyncio process answered %s", line)
	}
	return made.Calls / made.Seconds, nil
}
