// Package otel shows dspool to OpenTelemetry: numbers ([RegisterMetrics]), and
// calls as spans: in this process, of each attempt, and of what the worker did
// in Python.
//
//	unregister, err := otel.RegisterMetrics(meterProvider, numbers.Pool(pool))
//
//	runner := otel.NewRunner(pool, provider)
//	resp, err := runner.Call(ctx, req) // ctx may have a span: then it is the parent
//
// One call is one tree, with the real times of both processes:
//
//	dspool.call
//	  dspool.attempt            one for each worker that had the call
//	    dspool.worker.queue     in the worker, before the code began
//	    dspool.worker.run
//	      dspool.worker.module  DSPy's own steps: modules, adapters,
//	        ...                 language models, tools
//
// The worker's spans come back with the answer and are made here, so Python
// needs no exporter and no opentelemetry. A sampler decides as usual: a call
// that is not sampled costs the worker nothing. Its code sees the traceparent all
// the same (dspool_worker.host.traceparent), and its own spans, if it makes any,
// are children of dspool.worker.run if the provider has [IDs], and of
// dspool.call otherwise.
//
// Prompts, answers and keys are never in a span.
package otel
