package dspool

import (
	"bytes"
	"slices"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

// ObjectOrigin tells what became of the object before a call ran on it.
type ObjectOrigin string

const (
	// ObjectKept is the zero value: it was there.
	ObjectKept ObjectOrigin = ""
	// ObjectMade: this call made it.
	ObjectMade ObjectOrigin = "made"
	// ObjectRestored: it was lost with its worker and was made again from the
	// snapshot that the pool had of it.
	ObjectRestored ObjectOrigin = "restored"
	// ObjectRenewed: it was lost with its worker, and this call made a new one.
	ObjectRenewed ObjectOrigin = "renewed"
)

// An object is what the pool knows of an object in a worker.
type object struct {
	table        *objectTable
	owner        *objectSession
	session, ref string // session: scoped to its tenant

	mu      sync.Mutex
	running int  // calls whose work has not stopped
	shared  bool // those are concurrent ones
	waiting []*objectWaiter

	member   *member // where it is, or was; nil before the first call
	made     bool    // a call on it has succeeded there
	touched  bool    // a call may have made it there
	gone     bool    // that worker will take no more calls
	why      string  // it is gone
	snapshot []byte  // of the last call that brought one; nil for none
}

// An objectWaiter is a call whose turn has not come.
type objectWaiter struct {
	concurrent bool
	ahead      int           // calls that waited when it came
	turn       chan struct{} // closed when it has come
}

// enter takes a turn on the object; nil means that it has come, else it comes
// when the waiter's channel is closed.
func (o *object) enter(concurrent bool) *objectWaiter {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 && o.admits(concurrent) {
		o.begin(concurrent)
		return nil
	}
	w := &objectWaiter{concurrent: concurrent, ahead: len(o.waiting), turn: make(chan struct{})}
	o.waiting = append(o.waiting, w)
	return w
}

// admits reports whether a call may run beside those that run: none, or, on an
// object that stays where it is, concurrent ones. Callers hold mu.
func (o *object) admits(concurrent bool) bool {
	return o.running == 0 || concurrent && o.shared && !o.gone
}

func (o *object) begin(concurrent bool) {
	o.shared = concurrent
	o.running++
}

// quit gives up waiting; if the turn came in the same moment it is passed on.
func (o *object) quit(w *objectWaiter) {
	o.mu.Lock()
	if i := slices.Index(o.waiting, w); i >= 0 {
		o.waiting = slices.Delete(o.waiting, i, i+1)
		o.pass()
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	o.leave()
}

// leave ends a turn.
func (o *object) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running--
	o.pass()
}

// pass gives turns to those who wait, in their order. Callers hold mu.
func (o *object) pass() {
	for len(o.waiting) > 0 && o.admits(o.waiting[0].concurrent) {
		w := o.waiting[0]
		o.waiting = slices.Delete(o.waiting, 0, 1)
		o.begin(w.concurrent)
		close(w.turn)
	}
}

// A route is what is to be done for a call on an object.
type route struct {
	worker string // the only one that may do it; "" for any
	knows  string // as the wire says it
	state  []byte
	origin ObjectOrigin
}

// route says how the next call reaches the object, or that it is lost.
func (o *object) route(spec *Spec, init []byte) (route, *fault.Error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := route{knows: wire.ObjectNew, state: init, origin: ObjectMade}
	switch {
	case o.member == nil:
		return next, nil
	case !o.gone:
		next.worker = o.member.ID()
	case o.snapshot == nil && o.touched && !spec.Renewable:
		return route{}, o.lost()
	}
	switch {
	case o.made && !o.gone:
		next.knows, next.state, next.origin = wire.ObjectLive, nil, ObjectKept
	case o.snapshot != nil:
		next.knows, next.state, next.origin = wire.ObjectRestore, o.snapshot, ObjectRestored
	case o.gone && o.touched:
		next.origin = ObjectRenewed
	}
	return next, nil
}

// lost is the error of a call on an object that is lost. Callers hold mu.
func (o *object) lost() *fault.Error {
	err := fault.Newf(fault.SessionLost,
		"the session's object of %s was lost with worker %s (%s): end the session to begin anew, "+
			"give the class snapshot and restore hooks, or make it Renewable", o.ref, o.member.ID(), o.why)
	err.Started, err.Details = fault.StartedNo, map[string]string{"worker": o.member.ID(), "reason": o.why, "object": o.ref}
	return err
}

// board notes that a call goes to a worker. It reports false if the object is
// somewhere else by now, or other calls of it are.
func (o *object) board(m *member, next route) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.member == m && !o.gone:
		return true
	case o.running > 1 || next.worker != "" || m.State().Final():
		return false
	}
	o.member, o.gone, o.made, o.touched = m, false, false, false
	return true
}

// heard notes how a call on the object ended.
func (o *object) heard(m *member, origin ObjectOrigin, out mux.Outcome) {
	if o.note(m, out) {
		o.table.tell(o, m, origin)
	}
}

// note reports whether the call was the first one to succeed there.
func (o *object) note(m *member, out mux.Outcome) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.member != m {
		return false
	}
	switch {
	case out.Err == nil:
		first = !o.made
		o.made, o.touched = true, true
		o.keep(out.Reply.State)
	case out.Err.Remote && out.Err.Code == fault.SessionLost:
		o.gone, o.touched, o.why = true, true, "the worker does not have it"
	case out.Err.Started != fault.StartedNo:
		o.touched = true
	}
	return first
}

// keep keeps a snapshot. null stands for: there is none any more. Callers hold
// mu.
func (o *object) keep(snapshot []byte) {
	if snapshot == nil {
		return
	}
	o.table.bytes.Add(-int64(len(o.snapshot)))
	o.snapshot = nil
	if string(snapshot) == "null" {
		return
	}
	if o.table.bytes.Add(int64(len(snapshot))) > int64(o.table.pool.cfg.Objects.SnapshotsBytes) {
		o.table.bytes.Add(-int64(len(snapshot)))
		return
	}
	o.snapshot = bytes.Clone(snapshot) // the rest of its frame is not kept
}

// forsake notes that a worker will take no more calls. It reports whether the
// object was there, and whether it is lost.
func (o *object) forsake(m *member, why string) (there, lost bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.member != m || o.gone {
		return false, false
	}
	o.gone, o.why = true, why
	return true, o.touched && o.snapshot == nil
}

// blank reports whether nothing has come of the object yet.
func (o *object) blank() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.snapshot == nil && !o.touched
}

// end forgets the object and returns the worker that still has it, or nil.
func (o *object) end() *member {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.table.bytes.Add(-int64(len(o.snapshot)))
	o.snapshot = nil
	if o.gone {
		return nil
	}
	return o.member
}
