package dspool

import (
	"time"

	"github.com/dspool/dspool/internal/breaker"
)

// LayerState is whether calls go to a layer.
type LayerState string

// The states of a layer.
const (
	// LayerInUse: calls go to it unless a better layer takes them.
	LayerInUse LayerState = "in_use"
	// LayerPassedOver: calls go past it until a pause is over.
	LayerPassedOver LayerState = "passed_over"
	// LayerOnTrial: one call tries it.
	LayerOnTrial LayerState = "on_trial"
	// LayerNotStarted: its start failed, and it is left out.
	LayerNotStarted LayerState = "not_started"
)

// FallbackStatus is a moment's view of a [Fallback].
type FallbackStatus struct {
	Name string `json:"name"`
	// Serving names the layer that calls go to now, "" for none.
	Serving string `json:"serving"`
	// Layers are in the order in which they are asked.
	Layers []LayerStatus `json:"layers"`
}

// LayerStatus is a moment's view of one layer.
type LayerStatus struct {
	Name  string     `json:"name"`
	State LayerState `json:"state"`
	// Since is when it took that state, zero if it never changed.
	Since time.Time `json:"since"`
	// RetryAfter is how long it is still passed over; at 0 the next call
	// tries it.
	RetryAfter time.Duration `json:"retry_after"`
	// Served calls were answered by it, Failures counted against it, Cascaded
	// ones went on to another layer, Refused ones went past it.
	Served   int64 `json:"served"`
	Failures int64 `json:"failures"`
	Cascaded int64 `json:"cascaded"`
	Refused  int64 `json:"refused"`
	// Engaged is how often calls began to go past it, a failed start included,
	// Restored how often they came back.
	Engaged  int64 `json:"engaged"`
	Restored int64 `json:"restored"`
	// LastError is the last failure that counted, "" for none.
	LastError string `json:"last_error,omitempty"`
}

// Status returns the numbers of this moment. It changes nothing.
func (f *Fallback) Status() FallbackStatus {
	st := FallbackStatus{Name: f.cfg.Name}
	for _, l := range f.layers {
		status := l.status()
		if st.Serving == "" && status.State == LayerInUse {
			st.Serving = l.name
		}
		st.Layers = append(st.Layers, status)
	}
	return st
}

func (l *layer) status() LayerStatus {
	s := l.circuit.Snapshot()
	status := LayerStatus{
		Name: l.name, State: layerState(s.State), Since: s.Since, RetryAfter: s.Left,
		Served: l.served.Load(), Failures: s.Failures, Cascaded: l.cascaded.Load(), Refused: s.Refused,
		Engaged: s.Opened, Restored: s.Closed,
	}
	if s.Cause != nil {
		status.LastError = s.Cause.Error()
	}
	if err := l.unstarted.Load(); err != nil {
		status.State, status.LastError = LayerNotStarted, err.Error()
		status.Engaged++
	}
	return status
}

func layerState(s breaker.State) LayerState {
	switch s {
	case breaker.Open:
		return LayerPassedOver
	case breaker.HalfOpen:
		return LayerOnTrial
	case breaker.Closed:
	}
	return LayerInUse
}
