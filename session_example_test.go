package dspool_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A session keeps what it was given, whichever worker serves it. With a pool it
// is pool.Session(id); here a mock answers.
func ExampleSession() {
	ctx := context.Background()
	mock, err := dspool.NewMock(dspool.MockConfig{Answers: map[string]any{"capital": map[string]string{"answer": "Paris"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := dspool.NewSessions(mock, dspool.SessionsConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, err := dspool.NewPredict("question: str, history: dspy.History -> answer: str", "Answer in one word.", dspool.Named("capital"))
	if err != nil {
		fmt.Println(err)
		return
	}

	user := sessions.Session("user 42", dspool.SessionLimit(dspool.SessionLimits{Calls: 100}))
	id, err := user.CreateProgram(ctx, "capital", spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := user.Execute(ctx, id, json.RawMessage(`{"question": "The capital of France?"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Output))

	turns, err := user.History(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(turns), string(turns[0].Message))

	_, err = sessions.Session("somebody else").Execute(ctx, id, nil)
	fmt.Println(fault.CodeOf(err))
	// Output:
	// {"answer":"Paris"}
	// 1 {"question":"The capital of France?","answer":"Paris"}
	// not_found
}
