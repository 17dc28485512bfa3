package adapter

import "context"

// everyone returns the adapters of all sessions, the anonymous one first.
func (a *Local) everyone(ctx context.Context) ([]*Local, error) {
	sessions, err := a.shared.sessions.List(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	all := []*Local{a.Session(Anonymous)}
	for _, s := range sessions {
		all = append(all, a.Session(s.ID))
	}
	return all, nil
}

// countPrograms counts the programs of all sessions.
func (a *Local) countPrograms(ctx context.Context) (n int, err error) {
	all, err := a.everyone(ctx)
	for _, s := range all {
		programs, err := s.session.Programs(ctx)
		if err != nil {
			return n, err //nolint:wrapcheck // says it all
		}
		n += len(programs)
	}
	return n, err
}

// clearPrograms deletes the programs of all sessions and returns how many there
// were. The sessions stay.
func (a *Local) clearPrograms(ctx context.Context) (n int, err error) {
	all, err := a.everyone(ctx)
	for _, s := range all {
		programs, err := s.session.Programs(ctx)
		if err != nil {
			return n, err //nolint:wrapcheck // says it all
		}
		for _, p := range programs {
			if s.session.DeleteProgram(ctx, p.ID) == nil { // else somebody else deleted it
				n++
			}
		}
	}
	return n, err
}
