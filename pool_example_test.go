package dspool_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func ExamplePool() {
	lm, ok := dspool.LMFromEnv()
	if !ok {
		log.Fatal("set DSPOOL_LM, for example to openai/gpt-4o-mini")
	}
	pool, err := dspool.New(dspool.Config{LM: lm})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := pool.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = pool.Stop(ctx)
	}()

	qa := dspool.ChainOfThought[Question, Answer]("Answer in one sentence.")
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := qa.Call(ctx, pool, Question{"Why is the sky blue?"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Answer)
}

// A worker need not be Python: Config.Command is any program that speaks
// docs/PROTOCOL.md. These examples run on one that the tests bring along.
func startExample(config dspool.Config) (*dspool.Pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	config.Command = []string{self}
	pool, err := dspool.New(config)
	if err != nil {
		return nil, err
	}
	return pool, pool.Start(context.Background())
}

func ExamplePool_Call() {
	pool, err := startExample(dspool.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = pool.Stop(context.Background()) }()

	program, err := dspool.NewFunc("mock:upper")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	resp, err := pool.Call(ctx, dspool.Request{Program: program, Input: []byte(`{"text":"hello"}`)})
	fmt.Println(string(resp.Output), err)

	crash, err := dspool.NewFunc("mock:crash")
	if err != nil {
		log.Fatal(err)
	}
	_, err = pool.Call(ctx, dspool.Request{Program: crash})
	fmt.Println(fault.CodeOf(err), fault.From(err).Started, fault.Retryable(err))
	// Output:
	// "HELLO" <nil>
	// worker_crashed yes false
}

func ExamplePool_Stream() {
	pool, err := startExample(dspool.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = pool.Stop(context.Background()) }()

	program, err := dspool.NewFunc("mock:stream")
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range pool.Stream(context.Background(), dspool.Request{Program: program, Input: []byte(`{"n":3}`)}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Kind, string(ev.Data))
	}
	// Output:
	// item 0
	// item 1
	// item 2
	// result 3
}

func ExamplePool_Status() {
	pool, err := startExample(dspool.Config{Workers: 1, WorkerConcurrency: 100})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = pool.Stop(context.Background()) }()
	if err := pool.WaitReady(context.Background()); err != nil {
		log.Fatal(err)
	}
	st := pool.Status()
	fmt.Println(st.Phase, st.Serving, "of", st.Want, "workers, room for", st.Capacity, "calls")
	// Output: serving 1 of 1 workers, room for 100 calls
}

func ExamplePool_Events() {
	pool, err := startExample(dspool.Config{Workers: 1, Lazy: true})
	if err != nil {
		log.Fatal(err)
	}
	events := pool.Events(context.Background()) // from now on
	if err := pool.WaitReady(context.Background()); err != nil {
		log.Fatal(err)
	}
	_ = pool.Stop(context.Background())
	for ev := range events {
		switch ev.Kind {
		case dspool.WorkerStarting, dspool.WorkerReady, dspool.WorkerRetired, dspool.PoolStopped:
			fmt.Println(ev.Kind, ev.Worker)
		}
	}
	// Output:
	// worker_starting w1
	// worker_ready w1
	// worker_retired w1
	// pool_stopped
}

func ExampleSingle() {
	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	single, err := dspool.NewSingle(dspool.Config{Command: []string{self}})
	if err != nil {
		log.Fatal(err)
	}
	if err := single.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = single.Stop(context.Background()) }()

	program, err := dspool.NewFunc("mock:upper")
	if err != nil {
		log.Fatal(err)
	}
	resp, err := single.Call(context.Background(), dspool.Request{Program: program, Input: []byte(`{"text":"one process"}`)})
	fmt.Println(string(resp.Output), err, len(single.Status().Workers))
	// Output: "ONE PROCESS" <nil> 1
}

func ExampleConfig_Validate() {
	err := dspool.Config{Workers: -1, QueueTimeout: -5}.Validate()
	fmt.Println(err)
	// Output:
	// invalid_argument: the configuration is not usable: Config.Workers: must be at least 1, got -1
	// Config.QueueTimeout: must be -1 (off) or positive, got -5ns
}

func ExampleLM() {
	lm := dspool.LM{Model: "openai/gpt-4o-mini", APIKey: "sk-secret", APIBase: "https://proxy.example/v1"}
	fmt.Printf("%v | %+v | %s\n", lm, lm.APIKey, lm)
	// Output: openai/gpt-4o-mini at https://proxy.example/v1 | [redacted] | openai/gpt-4o-mini at https://proxy.example/v1
}
