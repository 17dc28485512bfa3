package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dspool/dspool/internal/process"
)

const childGrace = 5 * time.Second

// A child is a process that belongs to a measurement: what it says on standard
// output comes as lines.
type child struct {
	name    string
	process *process.Process
	lines   chan string
}

// start starts a child. What it says beyond a few lines that nobody waits for
// is dropped.
func (b *bencher) start(ctx context.Context, name string, spec process.Spec) (*child, error) {
	c := &child{name: name, lines: make(chan string, 16)}
	spec.Env = append(os.Environ(), append(spec.Env, "LITELLM_LOCAL_MODEL_COST_MAP=True")...)
	spec.Stdout = func(line process.Line) {
		select {
		case c.lines <- line.Text:
		default:
		}
	}
	p, err := b.children.Start(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.process = p
	return c, nil
}

// line waits for the child's next line.
func (c *child) line(ctx context.Context) (string, error) {
	select {
	case line := <-c.lines:
		return line, nil
	case <-c.process.Done():
		return "", fmt.Errorf("%s has ended: %s", c.name, strings.Join(c.process.Stderr(), "\n"))
	case <-ctx.Done():
		return "", fmt.Errorf("wait for %s: %w", c.name, ctx.Err())
	}
}

// ready waits until n processes of the child have said so.
func (c *child) ready(ctx context.Context, n int) error {
	for range n {
		line, err := c.line(ctx)
		if err == nil && line != "ready" {
			err = fmt.Errorf("%s says %q, not that it is ready", c.name, line)
		}
		if err != nil {
			return errors.Join(err, c.stop())
		}
	}
	return nil
}

func (c *child) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	c.process.Stop(ctx, process.Ladder{TermGrace: childGrace})
	return nil
}
