package lm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
)

const (
	// CacheBytesDefault is how much a memory cache holds.
	CacheBytesDefault = 64 << 20
	// entryLimit is the largest answer that is kept.
	entryLimit = 1 << 20
	// entryOverhead is what an entry costs beside its body.
	entryOverhead = 256
)

// A CacheKey names an answer: the hash of all that it depends on. Answers of
// different tenants, models, keys and addresses never share one.
type CacheKey [sha256.Size]byte

// An Entry is an answer that was kept. It is read-only.
type Entry struct {
	ContentType string
	Body        []byte
}

// A Cache keeps answers. Its methods are safe for concurrent use; they return
// soon and never fail: what cannot be read is not there, and what cannot be
// kept is lost.
type Cache interface {
	// Get returns the answer that is kept under a key, if there is one.
	Get(key CacheKey) (Entry, bool)
	// Put keeps an answer. It takes the place of an earlier one.
	Put(key CacheKey, e Entry)
}

// A cached answers requests that it has seen before.
type cached struct {
	next    Exchanger
	id      string // the model with its key and its address
	model   string
	store   Cache
	flights *flights
	ledger  *Ledger
}

var _ Exchanger = (*cached)(nil)

// Exchange returns the answer that is kept, or the provider's, which is kept
// once it has been read to its end.
func (c *cached) Exchange(ctx context.Context, req *Request) (*Response, error) {
	key := keyOf(c.id, req)
	if e, ok := c.store.Get(key); ok {
		c.ledger.tell(req, Use{Model: c.model, Cost: Cost{Known: true}, Status: http.StatusOK, Cached: true})
		return &Response{
			Status: http.StatusOK, Header: []Field{{"content-type", e.ContentType}},
			Body: io.NopCloser(bytes.NewReader(e.Body)), Cached: true,
		}, nil
	}
	if req.Stream {
		return c.ask(ctx, key, req)
	}
	resp, shared, err := c.flights.do(ctx, key, func(ctx context.Context) (*Response, error) { return c.ask(ctx, key, req) })
	if shared {
		status := 0
		if resp != nil {
			status = resp.Status
		}
		c.ledger.tell(req, Use{Model: c.model, Cost: Cost{Known: true}, Status: status, Shared: true})
	}
	return resp, err
}

// ask asks the provider and keeps a good answer.
func (c *cached) ask(ctx context.Context, key CacheKey, req *Request) (*Response, error) {
	resp, err := c.next.Exchange(ctx, req)
	if err == nil && resp.Status == http.StatusOK && !resp.Cached {
		resp.Body = &keeping{ReadCloser: resp.Body, keep: func(body []byte) {
			c.store.Put(key, Entry{ContentType: contentType(resp), Body: body})
		}}
	}
	return resp, err
}

func contentType(resp *Response) string {
	for _, f := range resp.Header {
		if f[0] == "content-type" {
			return f[1]
		}
	}
	return ""
}

// keyOf hashes all that an answer depends on, each part with its length.
func keyOf(id string, req *Request) CacheKey {
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte(id), []byte(req.Tenant), []byte(req.Rollout), []byte(req.Method), []byte(req.URL), req.Body,
	} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return CacheKey(h.Sum(nil))
}

// A keeping body hands on all that was read of it once it has ended well.
type keeping struct {
	io.ReadCloser
	keep func([]byte)
	seen []byte
	over bool
}

// Read implements [io.Reader].
func (k *keeping) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	if k.over {
		return n, err
	}
	if k.seen = append(k.seen, p[:n]...); len(k.seen) > entryLimit {
		k.over, k.seen = true, nil
	}
	if err == io.EOF && !k.over { //nolint:errorlint // readers return it bare
		k.over = true
		k.keep(k.seen)
	}
	return n, err
}

// A MemoryCache is a Cache that forgets what was used longest ago.
type MemoryCache struct {
	limit int

	mu      sync.Mutex
	size    int
	entries map[CacheKey]*memoryEntry
	order   memoryEntry // a ring: next is the last used, previous the first to go
}

// A memoryEntry is a link of the ring.
type memoryEntry struct {
	key        CacheKey
	entry      Entry
	prev, next *memoryEntry
}

func (e *memoryEntry) size() int { return len(e.entry.Body) + entryOverhead }

var _ Cache = (*MemoryCache)(nil)

// NewMemoryCache returns a cache of at most so many bytes; 0 means
// CacheBytesDefault.
func NewMemoryCache(limit int) *MemoryCache {
	m := &MemoryCache{limit: or(limit, CacheBytesDefault), entries: make(map[CacheKey]*memoryEntry)}
	m.order.prev, m.order.next = &m.order, &m.order
	return m
}

// Get implements [Cache].
func (m *MemoryCache) Get(key CacheKey) (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[key]
	if e == nil {
		return Entry{}, false
	}
	m.unlink(e)
	m.link(e)
	return e.entry, true
}

// Put implements [Cache].
func (m *MemoryCache) Put(key CacheKey, entry Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.entries[key]; old != nil {
		m.drop(old)
	}
	e := &memoryEntry{key: key, entry: entry}
	m.link(e)
	m.entries[key] = e
	m.size += e.size()
	for m.size > m.limit && len(m.entries) > 0 {
		m.drop(m.order.prev)
	}
}

// drop forgets one entry. The caller holds mu.
func (m *MemoryCache) drop(e *memoryEntry) {
	m.unlink(e)
	delete(m.entries, e.key)
	m.size -= e.size()
}

func (m *MemoryCache) unlink(e *memoryEntry) { e.prev.next, e.next.prev = e.next, e.prev }

// link makes an entry the last used.
func (m *MemoryCache) link(e *memoryEntry) {
	e.prev, e.next = &m.order, m.order.next
	e.prev.next, e.next.prev = e, e
}
