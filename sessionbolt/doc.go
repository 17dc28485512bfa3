// Package sessionbolt keeps sessions in a file, so that they survive a restart
// and a crash of the process. It is a [github.com/dspool/dspool.SessionStore]:
//
//	store, err := sessionbolt.Open("sessions.db", sessionbolt.Options{})
//	if err != nil { ... }
//	defer store.Close() // after pool.Stop
//	pool, err := dspool.New(dspool.Config{Sessions: dspool.SessionsConfig{Store: store}})
//
// The file is one of bbolt (go.etcd.io/bbolt), with the records in a bucket of
// their own. One process has it open at a time.
package sessionbolt
