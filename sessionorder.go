package dspool

import "container/list"

// A sessionOrder lists sessions by a time that only grows, the earliest first,
// so that a sweep looks at those that are due and at one more.
type sessionOrder struct {
	list  list.List
	place map[*sessionState]*list.Element
}

// add appends a session.
func (o *sessionOrder) add(st *sessionState) {
	if o.place == nil {
		o.place = map[*sessionState]*list.Element{}
	}
	o.place[st] = o.list.PushBack(st)
}

// renew moves a session to the end.
func (o *sessionOrder) renew(st *sessionState) {
	if at := o.place[st]; at != nil {
		o.list.MoveToBack(at)
	}
}

// drop takes a session out.
func (o *sessionOrder) drop(st *sessionState) {
	if at := o.place[st]; at != nil {
		o.list.Remove(at)
		delete(o.place, st)
	}
}

// first returns the earliest session, nil if there is none.
func (o *sessionOrder) first() *sessionState {
	if at := o.list.Front(); at != nil {
		st, _ := at.Value.(*sessionState)
		return st
	}
	return nil
}
