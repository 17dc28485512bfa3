package lmbolt_test

import (
	"testing"

	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
