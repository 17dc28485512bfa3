package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/examples/python"
	"github.com/dspool/dspool/internal/pyenv"
)

// How the built-in practice LM behaves in the demonstration: as slow as a fast
// provider, so that waiting is part of it.
const (
	demoLatency    = 100 * time.Millisecond
	demoChunkDelay = 40 * time.Millisecond
)

func newDemoCommand(a *app) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show everything once: programs, typed results, a stream, a killed worker",
		Long: "Creates the Python environment if need be, starts a pool and runs real DSPy programs on it: a Predict, a\n" +
			"ChainOfThought with typed results, a Python function, a stream, and many predictions at once while a worker\n" +
			"is killed. It asks the language model of DSPOOL_LM or DSPOOL_LM_BASE, else the practice LM, and says which.\n" +
			"The exit code is 0 only if every call was answered.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), f) },
	}
	f.languageFlags.register(cmd.Flags())
	cmd.Flags().IntVar(&f.calls, "calls", demoCalls, "`how many` predictions run at once")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "`how many` workers the pool has (default: one per processor, 2 to 4)")
	return cmd
}

const demoCalls = 200

// demoFlags are the flags of `dspool demo`.
type demoFlags struct {
	languageFlags
	calls, workers int
}

// A demo is one run of the demonstration.
type demo struct {
	*app
	paint painter
	lang  language
	pool  *dspool.Pool
	size  int

	step     int
	calls    int // answered in the steps before the storm
	troubles []string
}

func (a *app) demo(ctx context.Context, f demoFlags) error {
	d := &demo{app: a, paint: newPainter(a.Out), size: f.calls}
	var err error
	d.lang, err = f.language(true, dspooltest.Behaviour{Latency: demoLatency, ChunkDelay: demoChunkDelay})
	if err != nil {
		return err
	}
	defer func() { _ = d.lang.close() }() // nothing is left to lose
	folder, err := python.Unpack()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder
	a.printf("%s\n\n", d.paint.bold("dspool demo"))
	d.line("LM", d.lang.String())
	config := dspool.Config{Workers: f.workers, LM: d.lang.lm, Path: []string{folder}}
	if !a.verbose {
		// The worker that the demonstration kills is no news.
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return a.withPool(ctx, config, func(pool *dspool.Pool, env pyenv.Env) error {
		d.pool = pool
		return d.run(ctx, env)
	})
}

// run takes the steps in order and ends with the table.
func (d *demo) run(ctx context.Context, env pyenv.Env) error {
	status := d.pool.Status()
	d.line("Python", interpreter(env))
	d.line("pool", fmt.Sprintf("%d workers, the first ready %s after start", status.Want, seconds(status.ReadyAfter)))
	for _, step := range []func(context.Context) error{d.predict, d.think, d.function, d.stream} {
		if err := step(ctx); err != nil {
			return err
		}
		d.calls++
	}
	storm, err := d.storm(ctx)
	if err != nil {
		return err
	}
	return d.table(status.ReadyAfter, storm)
}

// interpreter says which Python the workers run.
func interpreter(env pyenv.Env) string {
	if env.Managed {
		return fmt.Sprintf("%s with DSPy %s, dspool's own environment", env.Version, env.DSPy)
	}
	return env.Python
}

func (d *demo) predict(ctx context.Context) error {
	d.heading("Predict", "question: str -> answer: str")
	type question struct {
		Question string `json:"question"`
	}
	type answer struct {
		Answer string `json:"answer"`
	}
	program := dspool.Predict[question, answer]("Answer in a few words.")
	out, err := ask(ctx, d, program, question{"What is the capital of France?"})
	if err != nil {
		return err
	}
	// What a real language model says is its own affair.
	if d.lang.practice != nil && out.Answer != "Paris" {
		d.trouble("the practice LM answered %q, not Paris", out.Answer)
	}
	return nil
}

// think shows outputs that are more than text. The pool holds each of them
// against its type and limits before the caller sees it.
func (d *demo) think(ctx context.Context) error {
	d.heading("ChainOfThought with types", "an enum, a list, a number from 0 to 1")
	type ticket struct {
		Ticket string `json:"ticket"`
	}
	type judgement struct {
		Urgency    string   `json:"urgency"    dspool:"enum=low|normal|high"`
		Topics     []string `json:"topics"     dspool:"minlen=1,maxlen=5"`
		Confidence float64  `json:"confidence" dspool:"min=0,max=1"`
	}
	program := dspool.ChainOfThought[ticket, judgement]("Judge the ticket of a customer.")
	_, err := ask(ctx, d, program, ticket{"Urgent: the checkout crashed and my card was charged twice."})
	return err
}

func (d *demo) function(ctx context.Context) error {
	d.heading("Your own Python", "shop.total(lines: list[Line], discount: float)")
	type line struct {
		Name  string  `json:"name"`
		Price float64 `json:"price"`
		Count int     `json:"count"`
	}
	type order struct {
		Lines    []line  `json:"lines"`
		Discount float64 `json:"discount"`
	}
	type total struct {
		ToPay float64 `json:"to_pay"`
	}
	program := dspool.Func[order, total]("shop:total")
	out, err := ask(ctx, d, program, order{[]line{{"tea", 4.5, 2}, {"cup", 11, 1}}, 0.1})
	if err != nil {
		return err
	}
	if out.ToPay != 18 {
		d.trouble("shop.total says %v to pay, not 18", out.ToPay)
	}
	return nil
}

func (d *demo) stream(ctx context.Context) error {
	d.heading("A stream, printed as it arrives", "topic: str -> text: str")
	spec, err := dspool.NewPredict("topic: str -> text: str", "Write two sentences.")
	if err != nil {
		return err
	}
	w := &wrapper{app: d.app, label: "text"}
	chunks, result := 0, false
	for ev, err := range d.pool.Stream(ctx, dspool.Request{Program: spec, Input: []byte(`{"topic": "ships that pass each other at sea"}`)}) {
		if err != nil {
			w.end()
			return err
		}
		switch ev.Kind {
		case dspool.EventChunk:
			chunks++
			w.write(ev.Text)
		case dspool.EventResult:
			result = true
		case dspool.EventItem, dspool.EventStatus:
		}
	}
	w.end()
	d.line("chunks", fmt.Sprint(chunks))
	if chunks == 0 || !result {
		d.trouble("the stream had %d chunks and its result was there: %t", chunks, result)
	}
	return nil
}
