package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
)

// doctorPatience bounds each thing that doctor does with a pool.
const doctorPatience = 60 * time.Second

// examinePool starts a pool for real and uses it.
func (a *app) examinePool(ctx context.Context, env *pyenv.Env) []check {
	if env == nil {
		return []check{warn("pool", "not tried: there is no environment", "see above")}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*doctorPatience)
	defer cancel()
	lm, configured := dspool.LMFromEnv()
	pool, err := dspool.New(dspool.Config{Workers: 1, Python: a.python, CacheDir: a.cache, LM: lm, Logger: a.logger()})
	if err != nil {
		return []check{fail("pool", "configuration refused", reason(err))}
	}
	begun := time.Now()
	if err := pool.Start(ctx); err != nil {
		return []check{fail("pool", "not started", reason(err))}
	}
	checks := a.usePool(ctx, pool, begun)
	if configured && worst(checks) != checkFail {
		checks = append(checks, languageCheck(ctx, pool, lm))
	} else if !configured {
		checks = append(checks, okay("language model", "none configured (DSPOOL_LM or DSPOOL_LM_BASE)"))
	}
	return append(checks, stopCheck(ctx, pool))
}

// usePool waits for the worker and makes a first call.
func (a *app) usePool(ctx context.Context, pool *dspool.Pool, begun time.Time) []check {
	if err := pool.WaitReady(ctx); err != nil {
		return []check{fail("fork server", "no worker came up", reason(err))}
	}
	ready := time.Since(begun)
	checks := []check{forkCheck(pool.Status(), ready)}
	spec, err := dspool.NewFunc("platform:python_version")
	if err != nil {
		return append(checks, fail("first call", "not made", reason(err)))
	}
	begun = time.Now()
	response, err := pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage("{}")})
	if err != nil {
		return append(checks, fail("first call", "failed", reason(err)))
	}
	checks = append(checks, okay("first call", "answered %s after %s", response.Output, round(time.Since(begun))))
	return append(checks, healthChecks(pool.Health(ctx))...)
}

// healthChecks tells what a health check found: one line for the pool, and one
// for each condition that something is to be done about. That workers are
// spawned is told already.
func healthChecks(r dspool.HealthReport) []check {
	const name = "health"
	found := fmt.Sprintf("%s, %d of %d workers answered after %s", r.Status, r.Healthy, r.Total, round(r.Took))
	checks := []check{okay(name, "%s", found)}
	for _, w := range r.Workers {
		if w.Error != "" {
			checks[0] = fail(name, found, "worker "+w.ID+": "+w.Error)
		}
	}
	for _, c := range r.Conditions {
		if c.Severity != dspool.SeverityInfo && c.Code != dspool.SpawnFallback {
			checks = append(checks, warn(string(c.Code), strings.TrimSpace(c.Worker+" "+c.Text), "see docs/LIFECYCLE.md, Health"))
		}
	}
	return checks
}

func forkCheck(status dspool.Status, ready time.Duration) check {
	if status.ModeReason != "" {
		return warn("fork server", "not used: "+status.ModeReason, "workers are spawned instead: slower to start, and more memory")
	}
	return okay("fork server", "%s, first worker ready after %s", status.Mode, round(ready))
}

// languageCheck asks the configured language model for one small prediction.
func languageCheck(ctx context.Context, pool *dspool.Pool, lm dspool.LM) check {
	const name = "language model"
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	spec, err := dspool.NewPredict("question -> answer", "Answer with one word.")
	if err != nil {
		return fail(name, "not asked", reason(err))
	}
	begun := time.Now()
	_, err = pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"Say hello."}`)})
	if err == nil || fault.CodeOf(err) == fault.OutputInvalid {
		return okay(name, "%s answered after %s", lm.Model, round(time.Since(begun)))
	}
	return fail(name, fmt.Sprintf("%s: %s", lm.Model, reason(err)), languageAdvice(fault.CodeOf(err)))
}

func languageAdvice(code fault.Code) string {
	switch code {
	case fault.LMAuth, fault.LMNotConfigured:
		return "set the provider's key variable, such as OPENAI_API_KEY"
	case fault.LMRateLimit, fault.LMBilling:
		return "the provider was reached and refuses for now: check the account's limits"
	case fault.LMTransport, fault.LMTimeout, fault.DeadlineExceeded:
		return "the provider cannot be reached: check DSPOOL_LM_BASE, the network and HTTPS_PROXY"
	default:
		return "check DSPOOL_LM and DSPOOL_LM_BASE"
	}
}

// stopCheck ends the pool and looks whether all of it went.
func stopCheck(ctx context.Context, pool *dspool.Pool) check {
	const name = "shutdown"
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), doctorPatience)
	defer cancel()
	if err := pool.Stop(ctx); err != nil {
		return warn(name, err.Error(), "look for processes that are left: the next run of `dspool doctor` lists them")
	}
	return okay(name, "everything ended after %s", round(time.Since(begun)))
}

// leftoverCheck looks for worker processes whose host is gone.
func leftoverCheck(processes []workerProcess) check {
	const name = "leftover processes"
	var pids []string
	for _, p := range processes {
		if p.orphan {
			pids = append(pids, fmt.Sprint(p.pid))
		}
	}
	if len(pids) == 0 {
		return okay(name, "none (%d dspool processes of this user run under a living host)", len(processes))
	}
	list := strings.Join(pids, " ")
	return warn(name, list+": their parent is process 1", "unless process 1 is your own program, their host is gone: `kill "+list+"`")
}

// workerProcess is a process that runs dspool's worker package.
type workerProcess struct {
	pid    int
	orphan bool // its parent is gone
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

func writable(folder string) error {
	file, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return err
	}
	_ = file.Close()
	return os.Remove(file.Name())
}
