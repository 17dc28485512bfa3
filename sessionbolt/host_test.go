package sessionbolt_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/sessionbolt"
)

// answers is a Runner that answers every question with its own text.
type answers struct{}

func (answers) Call(_ context.Context, req dspool.Request) (dspool.Response, error) {
	var in struct {
		Question string `json:"question"`
	}
	if err := json.Unmarshal(req.Input, &in); err != nil {
		return dspool.Response{}, err
	}
	return dspool.Response{Output: fmt.Appendf(nil, `{"answer":%q}`, "to "+in.Question)}, nil
}

func (answers) Stream(context.Context, dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(func(dspool.Event, error) bool) {}
}

// table is a table of sessions over a store.
func table(store dspool.SessionStore, flush time.Duration) (*dspool.Sessions, error) {
	return dspool.NewSessions(answers{}, dspool.SessionsConfig{Store: store, FlushInterval: flush})
}

func ask(ctx context.Context, s *dspool.Session, n int) error {
	_, err := s.Execute(ctx, "qa", fmt.Appendf(nil, `{"question":"q%d"}`, n))
	return err
}

// host is a process that keeps sessions in a file and is then killed: it says
// "synced N" when N questions are safe, and goes on asking.
func host(args []string) int {
	ctx := context.Background()
	store, err := sessionbolt.Open(args[1], sessionbolt.Options{})
	if err != nil {
		return complain(err)
	}
	sessions, err := table(store, time.Millisecond)
	if err != nil {
		return complain(err)
	}
	s := sessions.Session("s", dspool.SessionUser("u"), dspool.SessionLM("big"), dspool.SessionMetadata(map[string]string{"plan": "free"}))
	spec, err := dspool.NewPredict("history: dspy.History, question: str -> answer: str", "Answer.", dspool.WithTemperature(0.5))
	if err != nil {
		return complain(err)
	}
	if _, err := s.CreateProgram(ctx, "qa", spec); err != nil {
		return complain(err)
	}
	for n := range 1_000_000 {
		if err := ask(ctx, s, n); err != nil {
			return complain(err)
		}
		if n%20 == 19 {
			if err := sessions.Sync(ctx); err != nil {
				return complain(err)
			}
			fmt.Fprintf(os.Stdout, "synced %d\n", n+1)
		}
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// killedHost runs a host until it has said that some questions are safe, kills
// it in the midst of others, and returns how many it had said.
func killedHost(t *testing.T, path string) (synced int) {
	t.Helper()
	ctx := testkit.Context(t, 30*time.Second)
	cmd := exec.CommandContext(ctx, testkit.Worker(t)[0], "host", path)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text, _ := strings.CutPrefix(lines.Text(), "synced ")
		if synced, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		if synced >= 60 {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || synced == 0 {
		t.Fatalf("the host ended by itself: %s", complaints.String())
	}
	return synced
}

func TestSessionsComeBackAfterTheHostWasKilled(t *testing.T) {
	t.Parallel()
	ctx := testkit.Context(t, time.Minute)
	path := file(t)
	synced := killedHost(t, path)
	sessions, err := table(opened(t, path, sessionbolt.Options{Timeout: 10 * time.Second}), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := sessions.Session("s")
	info, err := s.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.User != "u" || info.LM != "big" || info.Metadata["plan"] != "free" || info.InFlight != 0 || info.CreatedAt.IsZero() {
		t.Errorf("info %+v", info)
	}
	if info.Stats.Operations < int64(synced) || info.Stats.Errors != 0 || info.Stats.TotalTime <= 0 {
		t.Errorf("stats %+v, and %d operations had been synced", info.Stats, synced)
	}
	program, err := s.Program(ctx, "qa")
	if err != nil || program.Executions != info.Stats.Operations {
		t.Errorf("program %+v, %v", program, err)
	}
	history, err := s.History(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(history)+int(info.Stats.HistoryDropped) != int(info.Stats.Operations) {
		t.Errorf("%d turns and %d dropped of %d operations", len(history), info.Stats.HistoryDropped, info.Stats.Operations)
	}
	for i, turn := range history {
		n := int(info.Stats.HistoryDropped) + i
		if want := fmt.Sprintf(`{"question":"q%d","answer":"to q%d"}`, n, n); string(turn.Message) != want {
			t.Fatalf("turn %d is %s, want %s", i, turn.Message, want)
		}
	}
	if err := ask(ctx, s, int(info.Stats.Operations)); err != nil {
		t.Errorf("the program that came back cannot be run: %v", err)
	}
	if err := sessions.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}
