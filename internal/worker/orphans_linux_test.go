package worker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

// goneWithin is the promise: nobody outlives the host by more than this.
const goneWithin = 2 * time.Second

// apartSuffix marks a kind of source whose workers are in a sandbox.
const apartSuffix = " apart"

// runHost is a host that is going to be killed: "host KIND PYTHON PROGRAM BODY"
// starts three workers, gives the program to the first, and prints the process
// ids of all once the program runs.
func runHost(args []string) int {
	kind, interpreter, program, body := args[1], args[2], args[3], args[4]
	cfg := Config{Command: []string{os.Args[0]}, Resolve: resolve, OnOutput: func(Output) {}}
	if interpreter != "" {
		python(&testing.B{}, interpreter)(&cfg)
		cfg.Env = append(os.Environ(), cfg.Env...)
	}
	if plain, apart := strings.CutSuffix(kind, apartSuffix); apart {
		kind, cfg.Sandbox = plain, &wire.Sandbox{Required: true, Network: "none", ReadOnly: true, Scratch: 1 << 20}
	}
	source := sources()[kind](cfg)
	ctx := context.Background()
	if err := source.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if pid := source.Info().PID; pid != 0 {
		fmt.Println(pid)
	}
	for i := range 3 {
		w, err := source.Spawn(ctx, fmt.Sprint("w", i))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(w.PID())
		if i == 0 {
			if err := run(w, program, body); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
	}
	fmt.Println("ready")
	select {}
}

// run gives the worker a call and returns when its user code has begun. A
// program that ends gives the id of a process it has started.
func run(w *Worker, program, body string) error {
	p, err := w.Begin(&mux.Call{Program: program, Body: []byte(body)})
	if err != nil {
		return err
	}
	if program == "forks:child_lingers" {
		<-p.Done()
		fmt.Println(string(p.Outcome().Reply.Body))
		return nil
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !w.ledger.Started(p.ID()) {
		select {
		case <-tick.C:
		case <-p.Done():
			return p.Outcome().Err
		}
	}
	return nil
}

// host starts one and returns its process and those of its descendants.
func host(t *testing.T, kind, interpreter, program, body string) (*exec.Cmd, []handle) {
	t.Helper()
	cmd := exec.CommandContext(testkit.Context(t, patience), os.Args[0], "host", kind, interpreter, program, body) //nolint:gosec // this binary
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var family []handle
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "ready"; {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the host said %q", lines.Text())
		}
		h := openHandle(pid)
		if h.fd < 0 || h.await(time.Millisecond) {
			t.Fatalf("process %d was dead before its host", pid)
		}
		family = append(family, h)
	}
	if len(family) < 3 {
		t.Fatalf("the host did not come up: %d processes", len(family))
	}
	return cmd, family
}

func TestNobodyOutlivesAHostThatIsKilled(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, kind, program, body string }{
		{"mock, spawned", "spawned", "hang", `{}`},
		{"mock, forked", "forked", "hang", `{}`},
		{"python, spawned, holds the GIL in C", "spawned", "holds_gil:sleep", `{"seconds":60}`},
		{"python, forked, holds the GIL in C", "forked", "holds_gil:sleep", `{"seconds":60}`},
		{"python, spawned, in a sandbox", "spawned" + apartSuffix, "holds_gil:sleep", `{"seconds":60}`},
		{"python, forked, in a sandbox", "forked" + apartSuffix, "holds_gil:sleep", `{"seconds":60}`},
		{"python, forked, ignores everything", "forked", "ignores_cancel:on_the_loop", `{}`},
		{"python, forked, has a child of the user's", "forked", "forks:child_lingers", `{"seconds":60}`},
		{"python, spawned, has a child of the user's", "spawned", "forks:child_lingers", `{"seconds":60}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			interpreter := ""
			if strings.HasPrefix(tt.name, "python") {
				interpreter = testkit.Python(t)
			}
			if strings.HasSuffix(tt.kind, apartSuffix) {
				testkit.Require(t, "userns")
			}
			cmd, family := host(t, tt.kind, interpreter, tt.program, tt.body)
			since := time.Now()
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for i, h := range family {
				if !h.await(goneWithin - time.Since(since)) {
					t.Errorf("process %d of %d is alive %v after its host", i+1, len(family), goneWithin)
				}
				h.close()
			}
			t.Logf("all gone after %v", time.Since(since))
			_ = cmd.Wait() // it was killed
		})
	}
}
