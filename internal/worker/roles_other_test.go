//go:build !linux

package worker

import "github.com/dspool/dspool/internal/testkit"

func roles() []testkit.Command { return nil }
