package numbers

import "github.com/dspool/dspool"

// A layer is one layer of one fallback.
type layer struct {
	dspool.LayerStatus

	fallback string
	serving  bool
}

// Fallbacks is the table of the layers of fallbacks, with the labels `fallback`
// and `layer` for the names. The names of the fallbacks must differ.
func Fallbacks(fallbacks ...*dspool.Fallback) (Table, error) {
	if err := unlike("fallbacks", fallbacks, func(f *dspool.Fallback) string { return f.Status().Name }); err != nil {
		return Table{}, err
	}
	view := func() (list []layer) {
		for _, st := range read(fallbacks, (*dspool.Fallback).Status) {
			for _, l := range st.Layers {
				list = append(list, layer{LayerStatus: l, fallback: st.Name, serving: l.Name == st.Serving})
			}
		}
		return list
	}
	return tabled(view, layerRows()), nil
}

func layerRows() []row[[]layer] {
	return []row[[]layer]{
		each(Family{Name: "dspool.fallback.layer_state", Type: Gauge, Unit: Truth, Labels: []string{"fallback", "layer", "state"}, Help: "1 for the state that a layer is in, 0 for the others."},
			func(l *layer, out Sink) {
				for _, state := range []dspool.LayerState{dspool.LayerInUse, dspool.LayerPassedOver, dspool.LayerOnTrial, dspool.LayerNotStarted} {
					out.Put(truth(l.State == state), l.fallback, l.Name, string(state))
				}
			}),
		layerRow("serving", Gauge, Truth, "1 for the layer that calls go to first now, 0 for the others.", func(l *layer) float64 { return truth(l.serving) }),
		each(Family{Name: "dspool.fallback.calls_total", Type: Counter, Unit: "calls", Labels: []string{"fallback", "layer", "result"}, Help: "Calls that a layer served, that went on to another after it, and that went past it."},
			func(l *layer, out Sink) {
				out.Put(float64(l.Served), l.fallback, l.Name, "served")
				out.Put(float64(l.Cascaded), l.fallback, l.Name, "cascaded")
				out.Put(float64(l.Refused), l.fallback, l.Name, "refused")
			}),
		layerRow("failures_total", Counter, "failures", "Failures that counted against a layer.", func(l *layer) float64 { return float64(l.Failures) }),
		layerRow("engaged_total", Counter, "changes", "Times that calls began to go past a layer.", func(l *layer) float64 { return float64(l.Engaged) }),
		layerRow("restored_total", Counter, "changes", "Times that calls went to a layer again.", func(l *layer) float64 { return float64(l.Restored) }),
	}
}

func layerRow(name string, kind Type, unit, help string, value func(*layer) float64) row[[]layer] {
	f := Family{Name: "dspool.fallback." + name, Type: kind, Unit: unit, Labels: []string{"fallback", "layer"}, Help: help}
	return each(f, func(l *layer, out Sink) { out.Put(value(l), l.fallback, l.Name) })
}
