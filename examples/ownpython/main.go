// Command ownpython runs Python of one's own: a function, a generator as a
// stream, and a dspy.Module, all from the folder examples/python.
//
//	go run ./examples/ownpython
//
// The module asks the model of DSPOOL_LM (or DSPOOL_LM_BASE), else the
// practice LM.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/examples/python"
)

// The types on this side say what is sent and what is wanted back; Python
// coerces inputs by the annotations of the function.
type (
	Order struct {
		Lines    []Line  `json:"lines"`
		Discount float64 `json:"discount"`
	}
	Line struct {
		Name  string  `json:"name"`
		Price float64 `json:"price"`
	}
	Total struct {
		ToPay float64 `json:"to_pay"`
	}
	Ticket struct {
		Ticket string `json:"ticket"`
	}
	Reply struct {
		Urgency string `json:"urgency" dspool:"enum=low|normal|high"`
		Reply   string `json:"reply"`
	}
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	folder, err := python.Unpack() // your own code needs no unpacking: name its folder in Config.Path
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	practice := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := practice.Start(); err != nil {
		return err
	}
	defer practice.Close()
	lm, ok := dspool.LMFromEnv()
	if !ok {
		lm = dspool.LM{Model: "openai/practice", APIBase: practice.URL(), APIKey: "none"}
	}
	pool, err := dspool.New(dspool.Config{LM: lm, Path: []string{folder}})
	if err != nil {
		return err
	}
	if err := pool.Start(ctx); err != nil {
		return err
	}
	defer pool.Stop(ctx)
	return use(ctx, pool)
}

func use(ctx context.Context, pool *dspool.Pool) error {
	total := dspool.Func[Order, Total]("shop:total")
	sum, err := total.Call(ctx, pool, Order{Lines: []Line{{"tea", 4.5}, {"cup", 11}}, Discount: 0.1})
	if err != nil {
		return err
	}
	fmt.Printf("to pay: %.2f\n", sum.ToPay)

	countdown := dspool.Func[map[string]int, any]("shop:countdown")
	for ev, err := range countdown.Stream(ctx, pool, map[string]int{"start": 3}) {
		if err != nil {
			return err
		}
		if ev.Kind == dspool.EventItem {
			fmt.Printf("countdown: %s\n", ev.Data)
		}
	}

	triage := dspool.Module[Ticket, Reply]("triage:Triage")
	out, err := triage.Call(ctx, pool, Ticket{"Urgent: the checkout crashed."})
	if err != nil {
		return err
	}
	fmt.Printf("%s urgency, answer: %s\n", out.Urgency, out.Reply)
	return nil
}
