package dspooltest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

// A test of a user's: in the mode that TEST_MODE says, else on the mock.
func ExampleNew() {
	test := func(t *testing.T) {
		t.Parallel()
		kit := dspooltest.New(t, dspooltest.Setup{})
		ask := dspool.Predict[struct {
			Question string `json:"question"`
		}, struct {
			Answer string `json:"answer"`
		}]("Answer in a few words.")
		out, err := ask.Call(t.Context(), kit, struct {
			Question string `json:"question"`
		}{"Why?"})
		if err != nil || out.Answer == "" {
			t.Errorf("%+v, %v", out, err)
		}
	}
	_ = test // func TestMine(t *testing.T) { ... }
}

// What a program does when its language model is rate limited: the mock says
// so for the first two calls.
func ExampleNewMock() {
	test := func(t *testing.T) {
		mock := dspooltest.NewMock(t, dspool.MockConfig{Answers: map[string]any{"shop:total": 18}})
		if _, err := mock.Inject(dspool.MockFault{Code: fault.LMRateLimit, Times: 2, RetryAfter: time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
	_ = test
}

// Real worker processes without Python, whose every move the test decides.
func ExampleNewWirePool() {
	test := func(t *testing.T) {
		pool, wire := dspooltest.NewWirePool(t, dspool.Config{Workers: 1})
		wire.Sequence(
			dspooltest.Step{Program: "shop:reserve", Act: dspooltest.Act{Output: "r-1"}},
			dspooltest.Step{Program: "shop:pay", Act: dspooltest.Act{Do: dspooltest.Crash}},
		)
		_ = pool // give it to the code under test; then look at what it did
		for _, call := range wire.History() {
			t.Log(call.Program, string(call.Input), call.Code)
		}
		wire.Verify(t)
	}
	_ = test
}

// A worker is killed, and the test waits for the pool to be whole again: for
// the event, not for a while.
func ExampleFaults() {
	test := func(t *testing.T) {
		kit := dspooltest.New(t, dspooltest.Setup{Default: "bridge_mock"})
		victim, err := kit.Faults.Kill("")
		if err != nil {
			t.Fatal(err)
		}
		lost := kit.Events.Await(dspool.WorkerCrashed)
		t.Log(victim.ID, lost.Err)
		kit.Events.AwaitWhole()
	}
	_ = test
}

func ExampleSignatures() {
	for _, text := range dspooltest.Signatures(dspooltest.ChainSignatures, 2, 0) {
		fmt.Println(text)
	}
	for _, text := range dspooltest.Signatures("city_%d -> mayor: str", 2, 0) {
		fmt.Println(text)
	}
	// Output:
	// step_0: str -> step_1: str
	// step_1: str -> step_2: str
	// city_0 -> mayor: str
	// city_1 -> mayor: str
}
