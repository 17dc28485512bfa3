package breaker_test

import (
	"testing"
	"time"

	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// sleep passes time in a bubble.
func sleep(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time
