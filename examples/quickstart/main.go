// Command quickstart asks a language model a typed question through a pool.
//
//	go run ./examples/quickstart
//
// It asks the model of DSPOOL_LM (or DSPOOL_LM_BASE), else the practice LM.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
)

// Ticket is what goes in, Triage what comes out. The pool holds every answer
// against the limits of the tags.
type (
	Ticket struct {
		Text string `json:"text"`
	}
	Triage struct {
		Urgency    string   `json:"urgency"    dspool:"enum=low|normal|high"`
		Topics     []string `json:"topics"     dspool:"minlen=1,maxlen=5"`
		Confidence float64  `json:"confidence" dspool:"min=0,max=1"`
	}
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	lm, ok := dspool.LMFromEnv()
	if !ok {
		practice := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
		if err := practice.Start(); err != nil {
			return err
		}
		defer practice.Close()
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

	judge := dspool.ChainOfThought[Ticket, Triage]("Judge the ticket of a customer.")
	out, err := judge.Call(ctx, pool, Ticket{Text: "Urgent: the checkout crashed and my card was charged twice."})
	if err != nil {
		return err
	}
	fmt.Printf("%s urgency, about %q, %.0f %% sure\n", out.Urgency, out.Topics, 100*out.Confidence)
	return nil
}
