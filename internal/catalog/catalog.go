// Package catalog keeps the definitions that workers may ask for: bounded, by
// content hash, and never forgetting one that a call in flight depends on.
package catalog

import (
	"container/list"
	"sync"
)

// A Catalog finds definitions by kind and hash. Safe for concurrent use; no
// method blocks on anything but a short lock.
type Catalog struct {
	limit int

	mu      sync.Mutex
	entries map[key]*Entry
	recent  *list.List // of *Entry, most recently pinned first
}

type key struct{ kind, hash string }

// An Entry is a definition in use. Every Pin needs its Unpin.
type Entry struct {
	catalog *Catalog
	key     key
	body    []byte
	pins    int
	place   *list.Element
}

// New returns a Catalog that keeps at most limit definitions, beyond those
// that are in use.
func New(limit int) *Catalog {
	return &Catalog{limit: limit, entries: map[key]*Entry{}, recent: list.New()}
}

// Pin adds a definition, or finds it, and keeps it until Unpin. The body is
// not copied and must not change.
func (c *Catalog) Pin(kind, hash string, body []byte) *Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := key{kind, hash}
	e, known := c.entries[k]
	if known {
		c.recent.MoveToFront(e.place)
	} else {
		e = &Entry{catalog: c, key: k, body: body}
		e.place = c.recent.PushFront(e)
		c.entries[k] = e
	}
	e.pins++
	if !known {
		c.trim()
	}
	return e
}

// Unpin lets the definition be forgotten when there are too many.
func (e *Entry) Unpin() {
	c := e.catalog
	c.mu.Lock()
	defer c.mu.Unlock()
	e.pins--
	if len(c.entries) > c.limit {
		c.trim()
	}
}

// Resolve returns the body of a definition.
func (c *Catalog) Resolve(kind, hash string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key{kind, hash}]
	if !ok {
		return nil, false
	}
	return e.body, true
}

// Len is how many definitions there are.
func (c *Catalog) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// trim forgets the definitions that were used longest ago and are not in use
// now, until the limit is kept. Callers hold mu.
func (c *Catalog) trim() {
	for at := c.recent.Back(); at != nil && len(c.entries) > c.limit; {
		before := at.Prev()
		if e, ok := at.Value.(*Entry); ok && e.pins == 0 {
			c.recent.Remove(at)
			delete(c.entries, e.key)
		}
		at = before
	}
}
