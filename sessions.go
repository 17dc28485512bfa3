package dspool

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/feed"
)

// Sessions keeps the sessions of one Runner: who talks to it, what they have
// defined, and what was said. All of it is on this side, so it survives any
// worker. Two tables never see each other's sessions.
//
// A [Pool] has one, see [Pool.Sessions]; [NewSessions] puts one over any other
// Runner. All methods are safe for concurrent use. A call in a session costs two
// short locks more than one without; programs that take the history also pay
// for the copy of it that they are given.
type Sessions struct {
	runner Runner
	cfg    SessionsConfig
	events *feed.Feed[PoolEvent]
	sweeps alarm
	saver  *saver // nil: there is no store
	// release tells the Runner of a session that is over; nil if it keeps
	// nothing of sessions.
	release func(tenant, session string)

	mu     sync.Mutex
	live   map[string]*sessionState // by scoped id
	broken map[string]*fault.Error  // what the store has and nobody can read
	byUse  sessionOrder             // least recently used first
	byAge  sessionOrder             // oldest first
	totals sessionTotals
	closed bool
	over   []string // scoped ids of sessions whose end the Runner has not been told yet
}

// A releaser is a Runner that keeps something of sessions, as a [Pool] does.
type releaser interface{ ReleaseSession(session string) }

// A tenantReleaser is told of sessions of tenants too.
type tenantReleaser interface {
	ReleaseTenantSession(tenant, session string)
}

// releaseOf returns how a Runner is told that a session is over, nil if not at
// all. One that knows no tenants is told of sessions without a tenant only.
func releaseOf(runner Runner) func(tenant, session string) {
	switch r := runner.(type) {
	case tenantReleaser:
		return r.ReleaseTenantSession
	case releaser:
		return func(tenant, session string) {
			if tenant == "" {
				r.ReleaseSession(session)
			}
		}
	}
	return nil
}

// sessionTotals count from the beginning of a table.
type sessionTotals struct {
	started, ended, expired, operations, errors int64
	meanLife                                    float64 // nanoseconds, of sessions that are over
}

// NewSessions puts sessions over a Runner. It does no I/O. Without a store there
// is nothing to stop; with one, [Sessions.Stop] saves what is not saved yet.
//
// A Runner that has a method ReleaseSession(session string), as a [Pool] has, is
// told of each session that is over; one that has ReleaseTenantSession(tenant,
// session string) is told by that.
func NewSessions(runner Runner, config SessionsConfig) (*Sessions, error) {
	if runner == nil {
		return nil, fault.New(fault.InvalidArgument, "NewSessions: the Runner must not be nil")
	}
	return newSessions(runner, config, new(feed.Feed[PoolEvent]))
}

func newSessions(runner Runner, config SessionsConfig, events *feed.Feed[PoolEvent]) (*Sessions, error) {
	c := config.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	t := &Sessions{
		runner: runner, cfg: c, events: events, release: releaseOf(runner),
		live: map[string]*sessionState{}, broken: map[string]*fault.Error{},
	}
	t.sweeps.ring = t.sweep
	if c.Store != nil {
		t.saver = newSaver(t, c)
	}
	return t, nil
}

// Session returns the session of that id. It does nothing yet: the first call
// through it starts the session with the options, later ones find it. A session
// that has ended or expired is started anew, empty, by the next call.
//
// An id is 1 to 256 bytes of UTF-8 without control characters; every use of a
// session with another one fails with invalid_argument.
func (t *Sessions) Session(id string, opts ...SessionOption) *Session {
	s := &Session{table: t, id: id}
	for _, o := range opts {
		o.applySession(&s.seed)
	}
	s.key = scoped(s.seed.tenant, id)
	s.err = s.seed.check()
	if err := checkID("session id", id); err != nil {
		s.err = err
	}
	return s
}

// EndSession forgets a session, in the store too before it returns. Calls in
// flight still give their results. An id that there is no session of is
// not_found. If the store fails, the session is gone all the same, and its
// deletion is tried again.
func (t *Sessions) EndSession(ctx context.Context, id string) error {
	if err := checkID("session id", id); err != nil {
		return err
	}
	return t.forget(ctx, id)
}

// forget ends a session by its scoped id.
func (t *Sessions) forget(ctx context.Context, key string) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	if err := t.end(key); err != nil {
		return err
	}
	return t.flushOne(ctx, key)
}

func (t *Sessions) end(key string) error {
	t.mu.Lock()
	defer t.unlock()
	if st := t.find(key); st != nil {
		t.remove(st, SessionEnded, "it was ended")
		return nil
	}
	if t.broken[key] == nil {
		_, id := unscoped(key)
		return noSession(id)
	}
	delete(t.broken, key)
	t.mark(key)
	return nil
}

// noSession is the error for an id that means nothing here.
func noSession(id string) *fault.Error {
	return fault.Newf(fault.NotFound, "there is no session %q: it was never used, has ended or has expired", id).
		WithStarted(fault.StartedNo)
}

// List describes all sessions, by tenant and id.
func (t *Sessions) List(ctx context.Context) ([]SessionInfo, error) {
	if err := t.load(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	out := make([]SessionInfo, 0, len(t.live))
	for _, st := range t.live {
		if t.due(st, now) == "" {
			out = append(out, t.info(st))
		}
	}
	slices.SortFunc(out, func(a, b SessionInfo) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Info describes one session, or is not_found. For one of a tenant, and for its
// end, go by [Sessions.Session] with [SessionTenant].
func (t *Sessions) Info(ctx context.Context, id string) (SessionInfo, error) {
	return t.Session(id).Info(ctx)
}

// Events returns what happens to sessions from now on, as [Pool.Events] does;
// for the sessions of a pool it is the pool's own stream.
func (t *Sessions) Events(ctx context.Context) iter.Seq[PoolEvent] {
	return readEvents(ctx, t.events)
}

// find returns a live session, nil if there is none. One that should have
// expired does so now. Callers hold mu.
func (t *Sessions) find(key string) *sessionState {
	st := t.live[key]
	if st == nil {
		return nil
	}
	if why := t.due(st, time.Now()); why != "" {
		t.expire(st, why)
		return nil
	}
	return st
}

// open returns a session to work in, starting it if need be. Callers hold mu.
func (t *Sessions) open(s *Session) (*sessionState, error) {
	if t.closed {
		return nil, fault.New(fault.ShuttingDown, "the sessions have been stopped").WithStarted(fault.StartedNo)
	}
	if st := t.find(s.key); st != nil {
		t.touch(st)
		return st, nil
	}
	if err := t.broken[s.key]; err != nil {
		return nil, err
	}
	if t.cfg.Max > 0 && len(t.live) >= t.cfg.Max {
		t.expireDue(time.Now(), len(t.live))
	}
	if t.cfg.Max > 0 && len(t.live) >= t.cfg.Max {
		return nil, fault.Newf(fault.ResourceExhausted,
			"there are %d sessions, as many as Sessions.Max allows: end some, raise it, or shorten Sessions.IdleTimeout", len(t.live)).
			WithStarted(fault.StartedNo)
	}
	st := s.seed.start(s.id, t.cfg.Limits)
	if err := st.checkMetadata(st.metadata); err != nil {
		return nil, err
	}
	t.enter(st)
	t.totals.started++
	t.publish(PoolEvent{Kind: SessionStarted, Tenant: st.tenant, Session: st.id})
	return st, nil
}

// enter puts a session into the table. Callers hold mu.
func (t *Sessions) enter(st *sessionState) {
	t.live[st.key] = st
	t.byUse.add(st)
	t.byAge.add(st)
	t.mark(st.key)
	t.watch()
}

// touch notes that a session is in use. Callers hold mu.
func (t *Sessions) touch(st *sessionState) {
	st.active = time.Now()
	t.byUse.renew(st)
	t.mark(st.key)
}

// remove takes a session out of the table. Callers hold mu.
func (t *Sessions) remove(st *sessionState, kind PoolEventKind, why string) {
	delete(t.live, st.key)
	t.byUse.drop(st)
	t.byAge.drop(st)
	t.mark(st.key)
	life := time.Since(st.created)
	t.totals.meanLife = runningMean(t.totals.meanLife, t.totals.ended, float64(life))
	t.totals.ended++
	if kind == SessionExpired {
		t.totals.expired++
	}
	t.publish(PoolEvent{Kind: kind, Tenant: st.tenant, Session: st.id, Reason: why, Took: life})
	if t.release != nil {
		t.over = append(t.over, st.key)
	}
}

// unlock gives up mu and then tells the Runner of sessions that are over: it may
// have workers to talk to.
func (t *Sessions) unlock() {
	over := t.over
	t.over = nil
	t.mu.Unlock()
	for _, key := range over {
		t.release(unscoped(key))
	}
}

// publish tells everybody who listens.
func (t *Sessions) publish(ev PoolEvent) {
	if !t.events.Heard() {
		return
	}
	ev.At = time.Now()
	t.events.Publish(ev)
}
