// Command batch asks many questions at once and shows that one bad item does
// not spoil the others.
//
//	go run ./examples/batch
//
// It asks the model of DSPOOL_LM (or DSPOOL_LM_BASE), else the practice LM.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

// Review and Mood are the types on both sides.
type (
	Review struct {
		Text string `json:"text" dspool:"minlen=3"`
	}
	Mood struct {
		Mood string `json:"mood" dspool:"enum=glad|happy|sad"`
	}
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	practice := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := practice.Start(); err != nil {
		return err
	}
	defer practice.Close()
	lm, ok := dspool.LMFromEnv()
	if !ok {
		lm = dspool.LM{Model: "openai/practice", APIBase: practice.URL(), APIKey: "none"}
	}
	pool, err := dspool.New(dspool.Config{LM: lm})
	if err != nil {
		return err
	}
	if err := pool.Start(ctx); err != nil {
		return err
	}
	defer pool.Stop(ctx)

	reviews := []Review{{"I love it, the best tea there is."}, {""}, {"Broken on arrival and nobody answers."}}
	judge := dspool.Predict[Review, Mood]("How does the writer feel?")
	for _, item := range judge.Batch(ctx, pool, reviews, dspool.BatchConfig{Concurrency: 16}) {
		if item.Err != nil {
			fmt.Printf("review %d: %s\n", item.Index, fault.CodeOf(item.Err))
			continue
		}
		fmt.Printf("review %d: %s\n", item.Index, item.Result.Output.Mood)
	}
	return nil
}
