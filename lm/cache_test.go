package lm

import (
	"fmt"
	"io"
	"testing"
)

func TestCacheKeysTellEverythingApart(t *testing.T) {
	t.Parallel()
	base := Request{Method: "POST", URL: "u", Body: []byte("b"), Tenant: "t", Rollout: "r"}
	seen := map[CacheKey]string{}
	add := func(name, id string, change func(*Request)) {
		req := base
		change(&req)
		key := keyOf(id, &req)
		if other, twice := seen[key]; twice {
			t.Errorf("%s shares the key of %s", name, other)
		}
		seen[key] = name
	}
	add("base", "id", func(*Request) {})
	add("model", "other", func(*Request) {})
	add("tenant", "id", func(r *Request) { r.Tenant = "u" })
	add("no tenant", "id", func(r *Request) { r.Tenant = "" })
	add("rollout", "id", func(r *Request) { r.Rollout = "" })
	add("url", "id", func(r *Request) { r.URL = "v" })
	add("body", "id", func(r *Request) { r.Body = []byte("c") })
	add("shifted", "id", func(r *Request) { r.Tenant, r.Rollout = "tr", "" })
}

func TestOnlyWholeAnswersAreKept(t *testing.T) {
	t.Parallel()
	s := &script{steps: []func() (*Response, error){
		status(500, "no"), status(200, "yes", Field{"content-type", "x/y"}), status(200, "new"),
	}}
	c := &cached{next: s, id: "m", store: NewMemoryCache(0), flights: newFlights()}
	for i, want := range []struct {
		body   string
		cached bool
	}{{"no", false}, {"", false}, {"new", false}, {"new", true}} {
		resp, err := c.Exchange(t.Context(), &Request{Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 { // its reader leaves
			_ = resp.Body.Close()
			continue
		}
		raw, _ := io.ReadAll(resp.Body)
		if string(raw) != want.body || resp.Cached != want.cached {
			t.Errorf("answer %d: %q, cached %v", i, raw, resp.Cached)
		}
	}
}

func TestAMemoryCacheForgetsTheLeastUsed(t *testing.T) {
	t.Parallel()
	m := NewMemoryCache(3 * (entryOverhead + 1))
	key := func(i int) CacheKey { return keyOf(fmt.Sprint(i), &Request{}) }
	for i := range 3 {
		m.Put(key(i), Entry{Body: []byte("x")})
	}
	m.Get(key(0))
	m.Put(key(3), Entry{Body: []byte("x")})
	m.Put(key(3), Entry{Body: []byte("y")})
	for i, want := range []bool{true, false, true, true} {
		if _, ok := m.Get(key(i)); ok != want {
			t.Errorf("entry %d: %v, want %v", i, ok, want)
		}
	}
	m.Put(key(9), Entry{Body: make([]byte, 5000)})
	if m.size != 0 || len(m.entries) != 0 {
		t.Errorf("an entry beyond the limit leaves %d bytes in %d entries", m.size, len(m.entries))
	}
}
