package pyenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childVariable makes the test binary a process that wants an environment: its
// value is the surroundings as JSON.
const childVariable = "DSPOOL_PYENV_TEST_CHILD"

func TestMain(m *testing.M) {
	if given := os.Getenv(childVariable); given != "" {
		os.Exit(child(given))
	}
	goleak.VerifyTestMain(m)
}

// child ensures the environment once, prints it as JSON and ends.
func child(given string) int {
	var around surroundings
	err := json.Unmarshal([]byte(given), &around)
	if err == nil {
		var env Env
		if env, err = around.setup().ensure(context.Background()); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(env)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
