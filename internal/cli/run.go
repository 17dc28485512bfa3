package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
)

// runFlags are the flags of `dspool run`.
type runFlags struct {
	languageFlags
	module, function      string
	instructions, adapter string
	path                  []string
	json, stream          bool
	timeout               time.Duration
	temperature           float64
	sampled               bool // the temperature was given
	maxTokens             int
}

func newRunCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [SIGNATURE] [NAME=VALUE | @FILE | -]...",
		Short: "Run one program: a signature through DSPy, or a Python function",
		Long: "Runs a DSPy program, or a Python function, once and prints what it answers.\n\n" +
			"The SIGNATURE names inputs and outputs with their types. --module says what runs: Predict, ChainOfThought, or\n" +
			"a dspy.Module class of your own as package.module:Class. --func calls a function instead; it needs no\n" +
			"signature and no language model.\n\n" + inputsHelp,
		Example: "  dspool run 'question: str -> answer: str, confidence: float' question='What is 2+2?'\n" +
			"  dspool run 'text -> mood: Literal[\"glad\", \"sad\"]' --module ChainOfThought @review.json --json\n" +
			"  echo '{\"start\": 3}' | dspool run --func shop:countdown --path examples/python --stream -",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.sampled = cmd.Flags().Changed("temperature")
			return a.run(cmd.Context(), f, args)
		},
	}
	f.languageFlags.register(cmd.Flags())
	f.register(cmd)
	return cmd
}

func (f *runFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.module, "module", "Predict", "`what` runs the signature: Predict, ChainOfThought or package.module:Class")
	set.StringVar(&f.function, "func", "", "Python `function` to call, as package.module:function")
	set.StringArrayVar(&f.path, "path", nil, "`folder` with your own Python code; may be repeated (default with --func: .)")
	set.StringVar(&f.instructions, "instructions", "", "`text` that tells the language model what to do")
	set.StringVar(&f.adapter, "adapter", "", "how prompts are written: chat, json or xml")
	set.Float64Var(&f.temperature, "temperature", 0, "sampling temperature (default: the provider's)")
	set.IntVar(&f.maxTokens, "max-tokens", 0, "longest answer in `tokens` (default: the provider's)")
	set.DurationVar(&f.timeout, "timeout", dspool.CallTimeoutDefault, "`time` for the call, once a worker is there")
	set.BoolVar(&f.json, "json", false, "print the outputs as one JSON value; with --stream one event a line")
	set.BoolVar(&f.stream, "stream", false, "print outputs as they are made")
	cmd.MarkFlagsMutuallyExclusive("func", "module")
}

// run runs one program and prints its result.
func (a *app) run(ctx context.Context, f runFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	spec, rest, err := f.spec(args)
	if err != nil {
		return err
	}
	input, err := readInputs(rest, a.In, spec.Signature)
	if err != nil {
		return err
	}
	if _, err := spec.CheckInput(input); err != nil {
		return err
	}
	lang, err := f.language(false, dspooltest.Behaviour{})
	if err != nil {
		return err
	}
	defer func() { _ = lang.close() }() // nothing is left to lose
	if lang.lm.Model == "" && spec.Kind != dspool.KindFunc && spec.Kind != dspool.KindModule {
		return noLanguage()
	}
	return a.withPool(ctx, f.config(lang), func(pool *dspool.Pool, _ pyenv.Env) error {
		return a.call(ctx, pool, f, dspool.Request{Program: spec, Input: input})
	})
}

// check refuses flags that the pool would refuse in the words of its own
// configuration.
func (f runFlags) check() error {
	if f.timeout <= 0 {
		return fault.Newf(fault.InvalidArgument, "--timeout %s: must be positive", f.timeout)
	}
	for _, folder := range f.path {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return fault.Newf(fault.InvalidArgument, "--path %s: there is no such folder", folder)
		}
	}
	return nil
}

// spec makes the program that the flags and the first argument describe, and
// returns the arguments that are left.
func (f runFlags) spec(args []string) (*dspool.Spec, []string, error) {
	if f.function != "" {
		spec, err := dspool.NewFunc(f.function)
		return spec, args, err
	}
	if len(args) == 0 || !strings.Contains(args[0], "->") {
		return nil, nil, fault.New(fault.InvalidArgument,
			"the first argument must be a signature, such as 'question -> answer' (or name a function with --func)")
	}
	spec, err := f.signed(args[0])
	return spec, args[1:], err
}

func (f runFlags) signed(sig string) (*dspool.Spec, error) {
	if strings.Contains(f.module, ":") {
		return dspool.NewModule(f.module, sig)
	}
	var opts []dspool.PredictOption
	if f.adapter != "" {
		opts = append(opts, dspool.WithAdapter(f.adapter))
	}
	if f.sampled {
		opts = append(opts, dspool.WithTemperature(f.temperature))
	}
	if f.maxTokens != 0 {
		opts = append(opts, dspool.WithMaxTokens(f.maxTokens))
	}
	switch strings.ToLower(strings.ReplaceAll(f.module, "_", "")) {
	case "predict":
		return dspool.NewPredict(sig, f.instructions, opts...)
	case "chainofthought", "cot":
		return dspool.NewChainOfThought(sig, f.instructions, opts...)
	default:
		return nil, fault.Newf(fault.InvalidArgument, "--module %s: must be Predict, ChainOfThought or package.module:Class", f.module)
	}
}

func (f runFlags) config(lang language) dspool.Config {
	config := dspool.Config{Workers: 1, LM: lang.lm, Path: f.path, CallTimeout: f.timeout}
	if len(f.path) == 0 && (f.function != "" || strings.Contains(f.module, ":")) {
		config.Path = []string{"."}
	}
	return config
}

// withPool runs use with a pool that is ready, and puts the pool away.
func (a *app) withPool(ctx context.Context, config dspool.Config, use func(*dspool.Pool, pyenv.Env) error) (err error) {
	env, err := a.ensure(ctx, a.pyenv())
	if err != nil {
		return err
	}
	config.Python, config.CacheDir, config.Output = a.python, a.cache, a.output()
	if config.Logger == nil {
		config.Logger = a.logger()
	}
	pool, err := dspool.New(config)
	if err != nil {
		return err
	}
	if err := pool.Start(ctx); err != nil {
		return err
	}
	defer func() {
		// Workers have to go also when the command was interrupted.
		if stopErr := pool.Stop(context.WithoutCancel(ctx)); err == nil {
			err = stopErr
		}
	}()
	if err := pool.WaitReady(ctx); err != nil {
		return err
	}
	return use(pool, env)
}

// output shows the lines that workers write, on standard error.
func (a *app) output() func(dspool.Output) {
	if a.quiet {
		return nil
	}
	to := &sharedWriter{w: a.Err}
	return func(line dspool.Output) { _, _ = to.Write([]byte("[" + line.Worker + "] " + line.Line + "\n")) }
}

func (a *app) call(ctx context.Context, pool *dspool.Pool, f runFlags, req dspool.Request) error {
	if f.stream {
		return a.streamCall(ctx, pool, f, req)
	}
	resp, err := pool.Call(ctx, req)
	if err != nil {
		return err
	}
	if f.json {
		err = a.json(resp.Output)
	} else {
		a.fields(resp.Output, nil)
	}
	a.cost(resp)
	return err
}

// cost says on standard error what a call took, with --verbose.
func (a *app) cost(resp dspool.Response) {
	if !a.verbose {
		return
	}
	tokens := resp.Usage.Total()
	a.notef("%s on %s, %d tokens in, %d out, %s\n", resp.Run.Round(time.Millisecond), resp.Worker, tokens.Prompt, tokens.Completion, price(resp))
}

// price says what the language model cost; what is not known is not nothing.
func price(resp dspool.Response) string {
	text := fmt.Sprintf("$%.6f", resp.Cost.USD)
	switch {
	case !resp.Cost.Known && resp.Cost.USD == 0:
		text = "cost unknown"
	case !resp.Cost.Known:
		text += " and more"
	}
	if resp.CacheHits > 0 {
		text += fmt.Sprintf(", %d from the cache", resp.CacheHits)
	}
	if resp.Failovers > 0 {
		text += fmt.Sprintf(", %d from another model", resp.Failovers)
	}
	return text
}
