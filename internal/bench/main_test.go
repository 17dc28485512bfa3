package bench

import (
	"os"
	"testing"

	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Command{Name: FloorCommand, Run: func(args []string) int {
		if ServeFloor(args[1:]) != nil {
			return 1
		}
		return 0
	}}, testkit.Command{Name: PracticeCommand, Run: func(args []string) int {
		if ServePractice(args[1:], os.Stdout) != nil {
			return 1
		}
		return 0
	}})
}
