package sessionbolt_test

import (
	"context"
	"fmt"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/sessionbolt"
)

// Sessions of a pool that survive the process.
func ExampleOpen() {
	store, err := sessionbolt.Open("/var/lib/app/sessions.db", sessionbolt.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() // last: the pool saves what is left when it stops

	pool, err := dspool.New(dspool.Config{Sessions: dspool.SessionsConfig{Store: store}})
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
