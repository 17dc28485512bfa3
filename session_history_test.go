package dspool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

const chatSignature = "question: str, history: dspy.History -> answer: str"

// messages lists what was said in a session.
func messages(t testing.TB, s *dspool.Session) string {
	t.Helper()
	turns, err := s.History(t.Context())
	wantNoError(t, err)
	var parts []string
	for _, turn := range turns {
		parts = append(parts, string(turn.Message))
	}
	return strings.Join(parts, " ")
}

func TestAConversationIsToldAndGoesOn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runner := says(`{"answer":"Paris"}`)
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	chat := predict(t, chatSignature)
	last := func() string { return string(runner.requests[len(runner.requests)-1].Input) }
	for _, tt := range []struct{ input, told string }{
		{`{"question":"France?"}`, `{"history":{"messages":[]},"question":"France?"}`},
		{` { "question" : "Sure?" } `, `{"history":{"messages":[{"question":"France?","answer":"Paris"}]},"question" : "Sure?" } `},
		{`{"question":"3","history":null}`, `{"history":{"messages":[{"question":"France?","answer":"Paris"},{"question":"Sure?","answer":"Paris"}]},"question":"3"}`},
		{`{"question":"4","history":{"messages":[{"question":"own"}]}}`, `{"question":"4","history":{"messages":[{"question":"own"}]}}`},
		{`{}`, `{"history":{"messages":[` + strings.Join(strings.Fields(`{"question":"France?","answer":"Paris"} {"question":"Sure?","answer":"Paris"} {"question":"3","answer":"Paris"} {"question":"4","answer":"Paris"}`), ",") + `]}}`},
	} {
		_, err := s.Call(ctx, dspool.Request{Program: chat, Input: json.RawMessage(tt.input)})
		wantNoError(t, err)
		if got := last(); got != tt.told {
			t.Errorf("%s became\n%s, want\n%s", tt.input, got, tt.told)
		}
	}
	// What is no object is for the Runner to refuse, as it came.
	for _, input := range []string{`[1]`, `{"question":`, `null`} {
		_, _ = s.Call(ctx, dspool.Request{Program: chat, Input: json.RawMessage(input)})
		if got := last(); got != input {
			t.Errorf("%s became %s", input, got)
		}
	}
	wantNoError(t, s.ClearHistory(ctx))
	if got := messages(t, s); got != "" {
		t.Errorf("after ClearHistory there is %s", got)
	}
}

func TestOnlySuccessfulCallsOfConversationsAreRemembered(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runner := says(`{"answer":"yes"}`)
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	_, err := s.Call(ctx, dspool.Request{Program: predict(t, "question: str -> answer: str"), Input: json.RawMessage(`{"question":"1"}`)})
	wantNoError(t, err)
	failing := sessionsOver(t, &fakeRunner{answer: alwaysFails}, dspool.SessionsConfig{}).Session("s")
	_, err = failing.Call(ctx, dspool.Request{Program: predict(t, chatSignature), Input: json.RawMessage(`{"question":"2"}`)})
	wantFault(t, err, fault.ProgramError)
	if got := messages(t, s) + messages(t, failing); got != "" {
		t.Errorf("remembered: %s", got)
	}
	for range s.Stream(ctx, dspool.Request{Program: predict(t, chatSignature), Input: json.RawMessage(`{"question":"3"}`)}) {
	}
	if got := messages(t, s); got != `{"question":"3","answer":"yes"}` {
		t.Errorf("after a stream: %s", got)
	}
}

// To DSPy, a turn without a field of the program's would be an empty message.
func TestAProgramIsToldTheTurnsThatConcernIt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runner := says(`{"answer":"a"}`)
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	wantNoError(t, s.AppendTurn(ctx, dspool.Turn{Message: json.RawMessage(`{"text":"x","label":"y"}`)}))
	wantNoError(t, s.AppendTurn(ctx, dspool.Turn{Message: json.RawMessage(`{"question":"q","answer":"a","extra":1}`)}))
	_, err := s.Call(ctx, dspool.Request{Program: predict(t, chatSignature), Input: json.RawMessage(`{"question":"?"}`)})
	wantNoError(t, err)
	if got := string(runner.requests[0].Input); got != `{"history":{"messages":[{"question":"q","answer":"a","extra":1}]},"question":"?"}` {
		t.Errorf("it was told %s", got)
	}
	for _, bad := range []string{``, `[]`, `null`, `{"a"`} {
		wantFault(t, s.AppendTurn(ctx, dspool.Turn{Message: json.RawMessage(bad)}), fault.InvalidArgument, "Turn.Message")
	}
}

func TestAHistoryStaysWithinItsLimits(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	table := sessionsOver(t, says(`{"answer":"a"}`), dspool.SessionsConfig{})
	ask := func(s *dspool.Session, question string) error {
		_, err := s.Call(ctx, dspool.Request{Program: predict(t, chatSignature), Input: fmt.Appendf(nil, `{"question":%q}`, question)})
		return err
	}
	turns := table.Session("turns", dspool.SessionLimit(dspool.SessionLimits{HistoryTurns: 2}))
	size := table.Session("bytes", dspool.SessionLimit(dspool.SessionLimits{HistoryBytes: 100}))
	for i := range 5 {
		wantNoError(t, ask(turns, fmt.Sprint(i)))
		wantNoError(t, ask(size, fmt.Sprint(i)))
	}
	if got := messages(t, turns); got != `{"question":"3","answer":"a"} {"question":"4","answer":"a"}` {
		t.Errorf("of two turns: %s", got)
	}
	if got := messages(t, size); got != `{"question":"2","answer":"a"} {"question":"3","answer":"a"} {"question":"4","answer":"a"}` {
		t.Errorf("of 100 bytes: %s", got)
	}
	wantNoError(t, ask(size, strings.Repeat("x", 200))) // too large by itself: those before it stay
	info, err := size.Info(ctx)
	wantNoError(t, err)
	if info.HistoryTurns != 3 || info.HistoryBytes != 87 || info.Stats.HistoryDropped != 3 {
		t.Errorf("info %+v", info)
	}
	wantNoError(t, size.SetLimits(ctx, dspool.SessionLimits{HistoryTurns: 1}))
	if got := messages(t, size); got != `{"question":"4","answer":"a"}` {
		t.Errorf("after SetLimits: %s", got)
	}
	strict := table.Session("strict", dspool.SessionLimit(dspool.SessionLimits{HistoryBytes: 10, HistoryFull: dspool.RefuseCalls}))
	wantNoError(t, ask(strict, "1"))
	wantFault(t, ask(strict, "2"), fault.ResourceExhausted, "history is full (turns: 1, bytes: 29)", "ClearHistory")
	wantFault(t, strict.AppendTurn(ctx, dspool.Turn{Message: json.RawMessage(`{}`)}), fault.ResourceExhausted, "no room")
	_, err = strict.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantNoError(t, err)
	wantNoError(t, strict.ClearHistory(ctx))
	wantNoError(t, ask(strict, "3"))
}

func TestATypedProgramTakesTheConversation(t *testing.T) {
	t.Parallel()
	type in struct {
		Question string         `json:"question"`
		History  dspool.History `json:"history" dspool:"type=dspy.History"`
	}
	type out struct {
		Answer string `json:"answer"`
	}
	runner := says(`{"answer":"a"}`)
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	chat := dspool.Predict[in, out]("Answer.")
	for range 2 {
		_, err := chat.Call(t.Context(), s, in{Question: "?"})
		wantNoError(t, err)
	}
	var got in
	wantNoError(t, json.Unmarshal(runner.requests[1].Input, &got))
	if len(got.History.Messages) != 1 || got.History.Messages[0]["answer"] != "a" {
		t.Errorf("it was told %s", runner.requests[1].Input)
	}
}

func alwaysFails(context.Context, dspool.Request) (dspool.Response, error) {
	return dspool.Response{}, fault.New(fault.ProgramError, "no").WithStarted(fault.StartedYes)
}
