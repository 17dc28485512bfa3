package dspool

import (
	"context"
	"iter"
	"log/slog"
)

// LogEvents writes events to a logger until they end, and returns then. The
// message is the event's dotted name ([PoolEvent.DottedName]), the fields that are set
// are its attributes, and the level tells what an operator has to know: lost
// workers are warnings, trouble of the whole pool errors, single calls debug.
//
//	go dspool.LogEvents(ctx, pool.Events(ctx), logger)
//
// Events that came too fast for the logger are lost, oldest first, and counted
// in the attribute "dropped" of the next one.
func LogEvents(ctx context.Context, events iter.Seq[PoolEvent], logger *slog.Logger) {
	for ev := range events {
		level := ev.Level()
		if !logger.Enabled(ctx, level) {
			continue
		}
		record := slog.NewRecord(ev.At, level, ev.DottedName(), 0)
		record.AddAttrs(ev.attributes()...)
		_ = logger.Handler().Handle(ctx, record) // slog's own way with what cannot be logged
	}
}

// attributes are the fields that are set.
func (e PoolEvent) attributes() []slog.Attr {
	list := []slog.Attr{slog.String("kind", string(e.Kind))}
	add := func(name string, set bool, value any) {
		if set {
			list = append(list, slog.Any(name, value))
		}
	}
	add("worker", e.Worker != "", e.Worker)
	add("pid", e.PID != 0, e.PID)
	if e.Condition != nil {
		list = append(list, slog.String("condition", string(e.Condition.Code)), slog.String("text", e.Condition.Text))
	}
	add("restart", e.Restart != "", string(e.Restart))
	add("generation", e.Generation != 0, e.Generation)
	add("from", e.From != "", string(e.From))
	add("to", e.To != "", string(e.To))
	add("call", e.Call != 0, e.Call)
	add("program", e.Program != "", e.Program)
	add("tenant", e.Tenant != "", e.Tenant)
	add("session", e.Session != "", e.Session)
	add("count", e.Count != 0, e.Count)
	add("name", e.Name != "", e.Name)
	add("layer", e.Layer != "", e.Layer)
	add("next", e.Next != "", e.Next)
	add("attempts", e.Attempts != 0, e.Attempts)
	add("took", e.Took != 0, e.Took)
	add("queue", e.Queue != 0, e.Queue)
	add("run", e.Run != 0, e.Run)
	add("stream", e.Stream != "", e.Stream)
	add("code", e.Code != "", string(e.Code))
	add("severity", e.Severity != "", string(e.Severity))
	add("error", e.Err != nil, e.Err)
	add("reason", e.Reason != "" && (e.Err == nil || e.Reason != e.Err.Message), e.Reason)
	add("dropped", e.Dropped != 0, e.Dropped)
	return list
}
