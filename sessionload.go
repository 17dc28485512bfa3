package dspool

import (
	"context"
	"slices"

	"github.com/dspool/dspool/fault"
)

// stopGrace is how long the store has for the last changes when the one who
// stops has no patience left.
const stopGrace = saveTimeout / 2

// Start reads the store. It is not needed: the first use of a session does the
// same. A second Start does nothing; one that failed may be tried again.
func (t *Sessions) Start(ctx context.Context) error { return t.load(ctx) }

// Stop saves what is not saved yet and takes no more calls. Stop the Runner first:
// what calls change that end later is not saved. The error tells how many sessions were not saved. Stop may
// be called any number of times. It gives the store a moment even when ctx has
// ended.
func (t *Sessions) Stop(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.sweeps.stop()
	if t.saver == nil {
		return nil
	}
	t.saver.alarm.stop()
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	err := t.saver.flush(patient)
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.CodeOf(err), err, "the last changes of sessions were not saved")
}

// load reads the store, once. Without one it costs a nil check.
func (t *Sessions) load(ctx context.Context) error {
	s := t.saver
	if s == nil || t.hasLoaded() {
		return nil
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	if t.hasLoaded() {
		return nil
	}
	ids, err := s.store.List(ctx)
	if err != nil {
		return unreadable(err)
	}
	found := make([]stored, 0, len(ids))
	for _, id := range ids {
		raw, err := s.store.Load(ctx, id)
		if err != nil {
			return unreadable(err)
		}
		one := stored{id: id}
		one.state, one.err = readSession(id, raw)
		found = append(found, one)
	}
	t.adopt(found)
	return nil
}

// stored is what the store had of one session.
type stored struct {
	id    string
	state *sessionState
	err   *fault.Error // it cannot be used
}

func (t *Sessions) hasLoaded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.saver.loaded
}

func unreadable(err error) error {
	return fault.Wrap(fault.CodeOf(err), err, "sessions cannot be used: their store cannot be read").WithStarted(fault.StartedNo)
}

// adopt puts what was found into the table.
func (t *Sessions) adopt(found []stored) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saver.loaded = true
	var states []*sessionState
	for _, one := range found {
		if one.err == nil {
			states = append(states, one.state)
			continue
		}
		t.broken[one.id] = one.err
		t.cfg.Logger.Warn("a session in the store cannot be used", "error", one.err)
		tenant, id := unscoped(one.id)
		t.publish(PoolEvent{Kind: SessionStoreFailed, Tenant: tenant, Session: id, Err: one.err, Reason: one.err.Message, Count: 1})
	}
	slices.SortFunc(states, func(a, b *sessionState) int { return a.created.Compare(b.created) })
	for _, st := range states {
		t.live[st.key] = st
		t.byAge.add(st)
	}
	slices.SortFunc(states, func(a, b *sessionState) int { return a.active.Compare(b.active) })
	for _, st := range states {
		t.byUse.add(st)
	}
	t.watch()
}
