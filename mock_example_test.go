package dspool_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A mock answers any program; here it is told how, and then to fail once.
func ExampleNewMock() {
	type question struct {
		Text string `json:"text"`
	}
	type mood struct {
		Label string `json:"label" dspool:"enum=glad|sad"`
	}
	classify := dspool.Predict[question, mood]("How does the writer feel?", dspool.Named("classify"))

	mock, err := dspool.NewMock(dspool.MockConfig{Answers: map[string]any{"classify": mood{Label: "glad"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := classify.Call(context.Background(), mock, question{Text: "What a day!"})
	fmt.Println(out.Label, err)

	_, _ = mock.Inject(dspool.MockFault{Program: "classify", Code: fault.LMRateLimit, Message: "slow down", Times: 1})
	_, err = classify.Call(context.Background(), mock, question{Text: "What a day!"})
	fmt.Println(errors.Is(err, fault.New(fault.LMRateLimit, "")), len(mock.Calls()))
	// Output:
	// glad <nil>
	// true 2
}
