package numbers

import "github.com/dspool/dspool/lm"

// An LMSource has what language models have used: a [dspool.Pool], a
// [dspool.Single] or an [lm.Egress] behind a few lines.
type LMSource interface {
	// LMTotals returns the sums by model, tenant and program.
	LMTotals() []lm.Total
	// LMLoads returns what each model has to do at the moment.
	LMLoads() []lm.Load
}

// LMs is the table of language models, with the labels `model`, `tenant` and
// `program`. There are as many sets of labels as the source tells apart, which
// sums up the rest as lm.Others.
func LMs(source LMSource) Table {
	return tabled(source.LMTotals, lmRows()).Plus(tabled(source.LMLoads, loadRows()))
}

func lmRows() []row[[]lm.Total] {
	return []row[[]lm.Total]{
		lmCounter("requests", "requests", "Requests to language models, answered from a cache or not.", func(t *lm.Total) float64 { return float64(t.Requests) }),
		lmCounter("cached", "requests", "Requests that were answered from the cache.", func(t *lm.Total) float64 { return float64(t.Cached) }),
		lmCounter("shared", "requests", "Requests that got the answer to an equal one under way.", func(t *lm.Total) float64 { return float64(t.Shared) }),
		lmCounter("failed", "requests", "Requests that got no answer, or a refusal.", func(t *lm.Total) float64 { return float64(t.Failed) }),
		lmCounter("retries", "requests", "Requests that were sent again.", func(t *lm.Total) float64 { return float64(t.Retries) }),
		lmCounter("failed_over", "requests", "Requests that went to another model in place of this one.", func(t *lm.Total) float64 { return float64(t.FailedOver) }),
		each(Family{
			Name: "dspool.lm.usage_tokens_total", Type: Counter, Unit: "tokens", Labels: append(lmLabels(), "kind"),
			Help: "Tokens as providers count them: input, output, and of those cached_input and reasoning.",
		}, usedTokens),
		lmCounter("cost_dollars", "dollars", "What the requests cost in US dollars, as far as it is known.", func(t *lm.Total) float64 { return t.USD }),
		lmCounter("unpriced", "requests", "Answers whose cost is not known.", func(t *lm.Total) float64 { return float64(t.Unpriced) }),
	}
}

func loadRows() []row[[]lm.Load] {
	return []row[[]lm.Load]{
		each(Family{
			Name: "dspool.lm.in_flight_requests", Type: Gauge, Unit: "requests", Labels: []string{"model"},
			Help: "Requests that providers have and have not answered to their end.",
		}, func(l *lm.Load, out Sink) { out.Put(float64(l.InFlight), l.Model) }),
		each(Family{
			Name: "dspool.lm.waiting_requests", Type: Gauge, Unit: "requests", Labels: []string{"model"},
			Help: "Requests that wait for their turn under the model's limits.",
		}, func(l *lm.Load, out Sink) { out.Put(float64(l.Waiting), l.Model) }),
	}
}

func lmLabels() []string { return []string{"model", "tenant", "program"} }

func lmCounter(name, unit, help string, value func(*lm.Total) float64) row[[]lm.Total] {
	f := Family{Name: "dspool.lm." + name + "_total", Type: Counter, Unit: unit, Labels: lmLabels(), Help: help}
	return each(f, func(t *lm.Total, out Sink) { out.Put(value(t), t.Model, t.Tenant, t.Program) })
}

func usedTokens(t *lm.Total, out Sink) {
	for _, kind := range []struct {
		name string
		n    int64
	}{
		{"input", t.Usage.Input},
		{"output", t.Usage.Output},
		{"cached_input", t.Usage.Cached},
		{"reasoning", t.Usage.Reasoning},
	} {
		out.Put(float64(kind.n), t.Model, t.Tenant, t.Program, kind.name)
	}
}
