package cli

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

// practiceFlags are the flags of `dspool practice-lm`.
type practiceFlags struct {
	addr, options, rules, limit string
	latency, fail, malformed    string
	errorRate                   float64
	chunkDelay                  time.Duration
	seed                        uint64
}

func newPracticeCommand(a *app) *cobra.Command {
	var f practiceFlags
	cmd := &cobra.Command{
		Use:   "practice-lm",
		Short: "Serve a language model for tests: it answers DSPy's prompts, always the same",
		Long: "An OpenAI-compatible server on this machine. It reads DSPy's prompts and answers every output field with a\n" +
			"value of its type; the same input always gets the same answer. It can be slow, fail and answer badly on\n" +
			"demand: for all requests by flags, for one by the model's name (openai/practice?latency=2s&fail=429) or the\n" +
			"header X-Practice. Any API key is accepted. GET /practice/stats shows what was served.",
		Example: "  dspool practice-lm --addr 127.0.0.1:8080 --latency 50ms-150ms --error-rate 0.05\n" +
			"  DSPOOL_LM=openai/practice DSPOOL_LM_BASE=http://127.0.0.1:8080/v1 dspool run 'question -> answer' question='What is 2+2?'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.practice(cmd.Context(), f) },
	}
	set := cmd.Flags()
	set.StringVar(&f.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	set.StringVar(&f.latency, "latency", "", "`time` before each answer, as 100ms or 50ms-150ms")
	set.DurationVar(&f.chunkDelay, "chunk-delay", 0, "`time` between the chunks of a stream")
	set.Float64Var(&f.errorRate, "error-rate", 0, "`share` of requests that fail, from 0 to 1")
	set.StringVar(&f.fail, "fail", "", "`failure` to answer with: a status, context_length, quota, reset or hang")
	set.StringVar(&f.malformed, "malformed", "", "what is `wrong` with answers: bad_json, empty_body, no_choices, cut_body,\n"+
		"cut_stream, prose, missing_field, wrong_type or out_of_range")
	set.StringVar(&f.limit, "rate-limit", "", "`requests/window` for each key, as 100/1m")
	set.StringVar(&f.rules, "rules", "", "`file` with rules: a JSON list of {contains, model, times, options, content, fields}")
	set.StringVar(&f.options, "options", "", "further `options`, as in a model's name: latency=1s&first=2&fail=500")
	set.Uint64Var(&f.seed, "seed", 0, "`number` that changes the values which prompts leave open")
	return cmd
}

// practice serves until the command is interrupted.
func (a *app) practice(ctx context.Context, f practiceFlags) error {
	config, err := f.config()
	if err != nil {
		return fault.Newf(fault.InvalidArgument, "%v", err)
	}
	lm := dspooltest.NewPracticeLM(config)
	if err := lm.Start(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the practice LM cannot listen on "+f.addr)
	}
	a.printf("practice LM at %s\n", lm.URL())
	a.notef("use it with DSPOOL_LM=openai/practice DSPOOL_LM_BASE=%s (any key); Ctrl-C ends it\n", lm.URL())
	<-ctx.Done()
	err = lm.Close()
	a.notef("%s\n", practiceSummary(lm.Stats()))
	return err
}

func practiceSummary(s dspooltest.PracticeStats) string {
	return fmt.Sprintf("served %d requests, at most %d at once", s.Requests, s.MaxInFlight)
}

// config turns the flags into a configuration.
func (f practiceFlags) config() (dspooltest.PracticeConfig, error) {
	config := dspooltest.PracticeConfig{Addr: f.addr, Seed: f.seed}
	if f.errorRate < 0 || f.errorRate > 1 {
		return config, fmt.Errorf("--error-rate must be between 0 and 1, got %v", f.errorRate)
	}
	base, err := f.behaviour()
	if err != nil {
		return config, err
	}
	config.Behaviour = base
	if config.Limit, err = rateLimit(f.limit); err != nil {
		return config, fmt.Errorf("--rate-limit %s: %w", f.limit, err)
	}
	if f.rules == "" {
		return config, nil
	}
	raw, err := os.ReadFile(f.rules)
	if err != nil {
		return config, fmt.Errorf("--rules: %w", err)
	}
	config.Rules, err = dspooltest.ParseRules(raw, base)
	return config, err
}

// behaviour joins the flags that say how every request is answered.
func (f practiceFlags) behaviour() (dspooltest.Behaviour, error) {
	b := dspooltest.Behaviour{ChunkDelay: f.chunkDelay, ErrorRate: f.errorRate}
	for _, one := range []struct{ key, value string }{
		{"latency", f.latency}, {"fail", f.fail}, {"malformed", f.malformed},
	} {
		if one.value == "" {
			continue
		}
		var err error
		if b, err = dspooltest.ParseBehaviour(b, one.key+"="+one.value); err != nil {
			return b, err
		}
	}
	return dspooltest.ParseBehaviour(b, f.options)
}

// rateLimit reads "100/1m".
func rateLimit(text string) (dspooltest.RateLimit, error) {
	var limit dspooltest.RateLimit
	if text == "" {
		return limit, nil
	}
	requests, window, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(requests)
	if !ok || err != nil || n < 1 {
		return limit, fmt.Errorf("write it as REQUESTS/WINDOW, for example 100/1m")
	}
	limit.Requests = n
	limit.Window, err = time.ParseDuration(window)
	if err == nil && limit.Window <= 0 {
		err = fmt.Errorf("the window must be positive")
	}
	return limit, err
}
