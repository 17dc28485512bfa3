package dspool

import (
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

// Defaults of Affinity.
const (
	AffinityTTLDefault      = dispatch.BindingTTLDefault
	AffinityBindingsDefault = dispatch.BindingsDefault
	// SessionMax is the longest session key in bytes.
	SessionMax = 256
)

// AffinityMode says what a call with a session key does when the worker that
// its session is bound to is busy.
type AffinityMode string

const (
	// AffinityHint lets the call go to another worker; the session stays bound
	// to its own. For sessions that only profit from warm caches.
	AffinityHint AffinityMode = "hint"
	// AffinityStrictQueue lets the call wait for that worker.
	AffinityStrictQueue AffinityMode = "strict_queue"
	// AffinityStrictFailFast fails the call at once with queue_full and the
	// time after which to come back.
	AffinityStrictFailFast AffinityMode = "strict_fail_fast"
)

// dispatched is the mode as the dispatcher has it; ok is false for one that
// there is not.
func (m AffinityMode) dispatched() (mode dispatch.Affinity, ok bool) {
	switch m {
	case AffinityHint:
		return dispatch.Hint, true
	case AffinityStrictQueue:
		return dispatch.Queue, true
	case AffinityStrictFailFast:
		return dispatch.FailFast, true
	}
	return dispatch.Hint, false
}

// Affinity says how calls with the same Request.Session come to the same
// worker. A session is bound to the worker that serves its first call; when
// that worker leaves, the next call binds it to another one, in every mode.
type Affinity struct {
	// Mode is what a call does whose worker is busy. Defaults to AffinityHint.
	// Request.Affinity overrides it for one call.
	Mode AffinityMode
	// TTL is how long a binding lives after its last use. Defaults to 5 min.
	TTL time.Duration
	// Bindings is how many there are at most; the one that was used least
	// recently makes room. Defaults to 65,536; one takes about 200 bytes.
	Bindings int
}

func (a Affinity) withDefaults() Affinity {
	a.Mode = or(a.Mode, AffinityHint)
	a.TTL = or(a.TTL, AffinityTTLDefault)
	a.Bindings = or(a.Bindings, AffinityBindingsDefault)
	return a
}

func (a Affinity) check(k *checker) {
	_, known := a.Mode.dispatched()
	k.must(known, "Affinity.Mode", "must be %q, %q or %q, got %q", AffinityHint, AffinityStrictQueue, AffinityStrictFailFast, a.Mode)
	k.must(a.TTL > 0, "Affinity.TTL", "must be positive, got %s", a.TTL)
	k.must(a.Bindings >= 1, "Affinity.Bindings", "must be at least 1, got %d", a.Bindings)
}

// AffinityStatus tells how well calls with a session key find their worker.
type AffinityStatus struct {
	// Bindings is how many sessions are bound to a worker now.
	Bindings int `json:"bindings"`
	// Hits are calls that the worker of their session served, Misses all
	// others with a session key: first ones, those whose worker had left and,
	// with AffinityHint, those whose worker was busy.
	Hits   int64 `json:"hits"`
	Misses int64 `json:"misses"`
	// Rebinds is how often a session got another worker because its own had
	// left.
	Rebinds int64 `json:"rebinds"`
	// HitRate is Hits divided by both, 0 without any.
	HitRate float64 `json:"hit_rate"`
}

func affinityStatus(st dispatch.AffinityStats) AffinityStatus {
	a := AffinityStatus{Bindings: st.Bindings, Hits: st.Hits, Misses: st.Misses, Rebinds: st.Rebinds}
	if all := st.Hits + st.Misses; all > 0 {
		a.HitRate = float64(st.Hits) / float64(all)
	}
	return a
}

// bind lets a call go where its session is. It is for calls that have one.
func (r *Request) bind(ask *dispatch.Ask, otherwise AffinityMode) error {
	if err := checkID("Session", r.Session); err != nil {
		return err
	}
	mode, known := or(r.Affinity, otherwise).dispatched()
	if !known {
		return badField("Affinity", "must be %q, %q or %q, got %.40q",
			AffinityHint, AffinityStrictQueue, AffinityStrictFailFast, r.Affinity)
	}
	ask.Key, ask.Affinity = scoped(r.Tenant, r.Session), mode
	return nil
}

// badField is the error of a request with a field that cannot be used.
func badField(path, format string, args ...any) *fault.Error {
	err := fault.Newf(fault.InvalidArgument, path+": "+format, args...)
	err.Started, err.Details = fault.StartedNo, map[string]string{"path": path}
	return err
}

// rebound hears of each change of a binding.
func (p *Pool) rebound(b dispatch.Binding) {
	if b.Bound {
		p.objects.watch()
	}
	if !p.events.Heard() {
		return
	}
	kind := SessionReleased
	if b.Bound {
		kind = SessionBound
	}
	tenant, session := unscoped(b.Key)
	p.publish(PoolEvent{
		Kind: kind, Worker: b.Target, Tenant: tenant, Session: session, Count: b.Count, Reason: string(b.Why),
	})
}
