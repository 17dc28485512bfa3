package lmbolt_test

import (
	"context"
	"fmt"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/lmbolt"
)

// Answers that are there again after a restart.
func ExampleOpen() {
	cache, err := lmbolt.Open("/var/lib/app/answers.db", lmbolt.Options{Bytes: 256 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close() // after the pool has stopped

	pool, err := dspool.New(dspool.Config{
		LM:     dspool.LM{Model: "openai/gpt-4o-mini", Cache: true},
		Egress: dspool.Egress{Cache: cache},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pool.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Stop(context.Background())
}
