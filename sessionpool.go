package dspool

import "context"

// Session returns the pool's session of that id, see [Sessions.Session].
func (p *Pool) Session(id string, opts ...SessionOption) *Session {
	return p.sessions.Session(id, opts...)
}

// EndSession forgets one of the pool's sessions, see [Sessions.EndSession].
func (p *Pool) EndSession(ctx context.Context, id string) error {
	return p.sessions.EndSession(ctx, id)
}

// Sessions are all sessions of the pool. They start and stop with it.
func (p *Pool) Sessions() *Sessions { return p.sessions }

// Session returns the Single's session of that id, see [Sessions.Session].
func (s *Single) Session(id string, opts ...SessionOption) *Session {
	return s.pool.Session(id, opts...)
}

// EndSession forgets one of the Single's sessions, see [Sessions.EndSession].
func (s *Single) EndSession(ctx context.Context, id string) error { return s.pool.EndSession(ctx, id) }

// Sessions are all sessions of the Single. They start and stop with it.
func (s *Single) Sessions() *Sessions { return s.pool.Sessions() }
