package dspool

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/dspool/dspool/fault"
)

const (
	// saveBatch is how many sessions are written at a time, and saveBytes how
	// much they may have said and defined together, so that a flush is never
	// much memory.
	saveBatch = 256
	saveBytes = 16 << 20
	// saveTimeout is how long the store may take for them.
	saveTimeout = 10 * time.Second
	// saveBackoffMax is the longest pause after a failure.
	saveBackoffMax = 30 * time.Second
)

// A saver brings what has changed to the store, a while after: many changes of
// one session cost one record, and many sessions one write. No call ever waits
// for it. What the store does not take is tried again, and again.
type saver struct {
	table *Sessions
	store SessionStore
	every time.Duration
	alarm alarm
	turn  chan struct{} // holds one token: whoever takes it may use the store

	// The table's lock guards the rest.
	loaded   bool
	unsaved  map[string]bool
	pause    time.Duration // since the last failure
	failures int64
	lastErr  string
}

func newSaver(t *Sessions, c SessionsConfig) *saver {
	s := &saver{table: t, store: c.Store, every: c.FlushInterval, turn: make(chan struct{}, 1), unsaved: map[string]bool{}}
	s.turn <- struct{}{}
	s.alarm.ring = func() {
		ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
		defer cancel()
		_ = s.flush(ctx) // it has been told already, and is tried again
	}
	return s
}

// take gets the token, or the error of a context that ended first.
func (s *saver) take(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return leftError(ctx, fault.StartedNo, "while others used the session store")
	}
}

func (s *saver) give() { s.turn <- struct{}{} }

// mark notes that a session differs from its record. Callers hold the table's
// lock.
func (t *Sessions) mark(id string) {
	if t.saver == nil {
		return
	}
	t.saver.unsaved[id] = true
	t.saver.alarm.set(max(t.saver.every, t.saver.pause))
}

// flush saves everything that has changed until now.
func (s *saver) flush(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	for {
		batch := s.collect()
		if batch == nil {
			return nil
		}
		if err := s.write(ctx, batch); err != nil {
			return err
		}
	}
}

// A saveBatchOf is what goes to the store at once: records, and nil for those
// that are to be deleted.
type saveBatchOf map[string]*sessionRecord

// collect takes changed sessions: those of ids if there are any, else a batch.
func (s *saver) collect(ids ...string) saveBatchOf {
	t := s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	var batch saveBatchOf
	size := 0
	take := func(id string) {
		if batch == nil {
			batch = saveBatchOf{}
		}
		batch[id] = nil
		if st := t.live[id]; st != nil {
			batch[id] = st.record()
			size += st.history.bytes + st.programBytes
		}
		delete(s.unsaved, id)
	}
	for _, id := range ids {
		if s.unsaved[id] {
			take(id)
		}
	}
	if len(ids) > 0 {
		return batch
	}
	for id := range s.unsaved {
		if len(batch) >= saveBatch || size >= saveBytes {
			break
		}
		take(id)
	}
	return batch
}

// write gives a batch to the store. If that fails, its sessions are unsaved
// again. A store that panics has failed.
func (s *saver) write(ctx context.Context, batch saveBatchOf) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.failed(batch, fault.Newf(fault.Internal, "the session store panicked: %v\n%s", p, debug.Stack()))
		}
	}()
	records, gone := map[string][]byte{}, []string(nil)
	for id, r := range batch {
		if r == nil {
			gone = append(gone, id)
			continue
		}
		raw, err := r.encode()
		if err != nil {
			return s.failed(batch, err)
		}
		records[id] = raw
	}
	if len(records) > 0 {
		if err := s.store.Save(ctx, records); err != nil {
			return s.failed(batch, err)
		}
	}
	if len(gone) > 0 {
		if err := s.store.Delete(ctx, gone...); err != nil {
			return s.failed(batch, err)
		}
	}
	s.succeeded()
	return nil
}

func (s *saver) succeeded() {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	s.pause, s.lastErr = 0, ""
}

// failed tells of a failure of the store and sees to it that the batch is tried
// again, later each time.
func (s *saver) failed(batch saveBatchOf, cause error) error {
	t := s.table
	t.mu.Lock()
	for id := range batch {
		s.unsaved[id] = true
	}
	s.failures++
	s.pause = min(max(2*s.pause, s.every), saveBackoffMax)
	s.lastErr = clipped(cause.Error(), lastErrorMax)
	err := fault.Wrap(fault.CodeOf(cause), cause, "the session store took no changes; they are kept in memory and tried again")
	s.alarm.set(s.pause)
	t.publish(PoolEvent{Kind: SessionStoreFailed, Err: err, Reason: err.Error(), Count: len(batch)})
	t.mu.Unlock()
	t.cfg.Logger.Warn("the session store failed", "error", cause, "sessions", len(batch), "again_in", s.pause)
	return err
}

// describe adds the saver's numbers. Callers hold the table's lock.
func (s *saver) describe(st *SessionsStatus) {
	st.Unsaved, st.StoreFailures, st.StoreError = len(s.unsaved), s.failures, s.lastErr
}

// Sync saves everything that has changed until now, for those who cannot do with
// the promise of Sessions.FlushInterval. Without a store it does nothing.
func (t *Sessions) Sync(ctx context.Context) error {
	if t.saver == nil {
		return nil
	}
	return t.saver.flush(ctx)
}

// flushOne saves one session now.
func (t *Sessions) flushOne(ctx context.Context, id string) error {
	s := t.saver
	if s == nil {
		return nil
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	if batch := s.collect(id); batch != nil {
		return s.write(ctx, batch)
	}
	return nil
}
