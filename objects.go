package dspool

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
)

// objectSweep is how often bindings and objects are looked at that may have run
// out.
const objectSweep = time.Minute

// endingRetry is when to come back to a session that is being ended.
const endingRetry = 100 * time.Millisecond

// featureObjects is what a worker names that keeps objects.
const featureObjects = "objects"

// featureTenants is what a worker names that keeps the objects of tenants apart.
const featureTenants = "tenants"

// An objectTable knows the objects that live in the pool's workers.
type objectTable struct {
	pool   *Pool
	sweeps alarm
	// forsaken is what calls get that wait for a worker which has left. Their
	// callers never see it.
	forsaken *fault.Error

	mu       sync.Mutex
	sessions map[string]*objectSession
	count    int // objects

	bytes                   atomic.Int64 // of all snapshots
	lost, restored, renewed atomic.Int64
}

// An objectSession is the objects of one session. They end together. Guarded by
// the table's mu.
type objectSession struct {
	objects map[string]*object // by class
	users   int                // callers, and calls whose work has not stopped
	used    time.Time
	ending  bool // ends with its last user
}

func newObjectTable(p *Pool) *objectTable {
	t := &objectTable{
		pool: p, sessions: map[string]*objectSession{},
		forsaken: fault.New(fault.Unavailable, "the worker of the call's object has left").WithStarted(fault.StartedNo),
	}
	t.sweeps.ring = t.sweep
	return t
}

// open returns the object that a call is for. The call must close it.
func (t *objectTable) open(req *Request) (*object, error) {
	if req.Session == "" {
		return nil, badField("Session", "must not be empty: the call is for an object, and objects belong to sessions")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := scoped(req.Tenant, req.Session)
	s := t.sessions[key]
	if s != nil && s.ending {
		err := fault.New(fault.Unavailable, "the session is being ended: its last calls have not stopped yet").WithStarted(fault.StartedNo)
		err.RetryAfter, err.Details = endingRetry, map[string]string{fault.DetailSession: req.Session}
		return nil, err
	}
	if s == nil {
		s = &objectSession{objects: map[string]*object{}}
	}
	o := s.objects[req.Program.Ref]
	if o == nil {
		if limit := t.pool.cfg.Objects.PerWorker * t.pool.cfg.Workers; t.count >= limit {
			return nil, fault.Newf(fault.ResourceExhausted,
				"the pool has %d objects, as many as its workers may keep: end sessions, or raise Objects.PerWorker", limit).
				WithStarted(fault.StartedNo)
		}
		o = &object{table: t, owner: s, session: key, ref: req.Program.Ref}
		s.objects[o.ref] = o
		t.sessions[o.session] = s
		t.count++
		t.watch()
	}
	s.users++
	return o, nil
}

// watch makes sure that a sweep comes while there is something to end.
func (t *objectTable) watch() { t.sweeps.set(min(t.pool.cfg.Affinity.TTL, objectSweep)) }

// hold adds a user to an object that has one.
func (t *objectTable) hold(o *object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.owner.users++
}

// close takes a user away. With the last one a session that is to end ends, and
// so does one whose objects have come to nothing.
func (t *objectTable) close(o *object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := o.owner
	s.users--
	s.used = time.Now()
	if s.users == 0 && (s.ending || s.blank()) {
		t.drop(o.session, s)
	}
}

// blank reports whether nothing has come of any object yet.
func (s *objectSession) blank() bool {
	for _, o := range s.objects {
		if !o.blank() {
			return false
		}
	}
	return true
}

// drop ends a session that nobody uses, in this process and in its worker.
// Callers hold mu.
func (t *objectTable) drop(session string, s *objectSession) {
	delete(t.sessions, session)
	t.count -= len(s.objects)
	told := map[*member]bool{}
	for _, o := range s.objects {
		if m := o.end(); m != nil && !told[m] {
			told[m] = true
			m.Release(unscoped(session))
		}
	}
}

// forsake notes that a worker will take no more calls: its objects are gone.
func (t *objectTable) forsake(m *member, why string) {
	there, lost := 0, 0
	t.mu.Lock()
	for _, s := range t.sessions {
		for _, o := range s.objects {
			was, gone := o.forsake(m, why)
			if was {
				there++
			}
			if gone {
				lost++
			}
		}
	}
	t.mu.Unlock()
	if there == 0 {
		return
	}
	t.lost.Add(int64(lost))
	t.pool.desk.Forsake(m.ID(), t.forsaken)
	if lost > 0 {
		t.pool.publish(PoolEvent{Kind: ObjectsLost, Worker: m.ID(), PID: m.PID(), Count: lost, Reason: why})
	}
}

// tell counts what a call has done to its object before it ran, and says so.
func (t *objectTable) tell(o *object, m *member, origin ObjectOrigin) {
	switch origin {
	case ObjectRestored:
		t.restored.Add(1)
		tenant, session := unscoped(o.session)
		t.pool.publish(PoolEvent{
			Kind: ObjectRestoration, Worker: m.ID(), PID: m.PID(), Tenant: tenant, Session: session, Reason: o.ref,
		})
	case ObjectRenewed:
		t.renewed.Add(1)
	case ObjectKept, ObjectMade:
	}
}

// sweep ends the bindings, and the sessions whose objects, nobody has used for
// their time to live.
func (t *objectTable) sweep() {
	bound := t.pool.desk.Sweep()
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, s := range t.sessions {
		if s.users == 0 && time.Since(s.used) >= t.pool.cfg.Affinity.TTL {
			t.drop(key, s)
		}
	}
	if bound > 0 || len(t.sessions) > 0 {
		t.watch()
	}
}

// release ends all objects of a session, when their calls have stopped.
func (t *objectTable) release(session string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[session]
	switch {
	case s == nil:
	case s.users > 0:
		s.ending = true
	default:
		t.drop(session, s)
	}
}

func (t *objectTable) status() ObjectsStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return ObjectsStatus{
		Live: t.count, SnapshotBytes: t.bytes.Load(),
		Lost: t.lost.Load(), Restored: t.restored.Load(), Renewed: t.renewed.Load(),
	}
}

// ReleaseSession ends what a session has in workers: its objects are closed when
// their last calls have stopped, and its next call may go to any worker and makes
// new objects. What [Pool.Session] keeps of the session stays; [Pool.EndSession]
// ends both. A session that there is not is no error.
func (p *Pool) ReleaseSession(session string) { p.ReleaseTenantSession("", session) }

// ReleaseTenantSession is [Pool.ReleaseSession] for a session of a tenant.
func (p *Pool) ReleaseTenantSession(tenant, session string) {
	key := scoped(tenant, session)
	p.desk.Release(key)
	p.objects.release(key)
}
