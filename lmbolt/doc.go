// Package lmbolt keeps the answers of language models in a file, so that they
// are there after a restart. It is a [github.com/dspool/dspool/lm.Cache]:
//
//	cache, err := lmbolt.Open("answers.db", lmbolt.Options{})
//	if err != nil { ... }
//	defer cache.Close() // after pool.Stop
//	pool, err := dspool.New(dspool.Config{
//		LM:     dspool.LM{Model: "openai/gpt-4o-mini", Cache: true},
//		Egress: dspool.Egress{Cache: cache},
//	})
//
// The file is one of bbolt (go.etcd.io/bbolt). One process has it open at a
// time. It holds what users have asked and been answered, in plain bytes.
package lmbolt
