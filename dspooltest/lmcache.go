package dspooltest

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/dspool/dspool/lm"
)

// LMCacheConformance runs what every [lm.Cache] has to pass. open returns an
// empty cache with room for some megabytes, which the suite does not close: use
// t.Cleanup.
func LMCacheConformance(t *testing.T, open func(t *testing.T) lm.Cache) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, lm.Cache){
		"an empty cache has nothing":         emptyCache,
		"what is put is there":               putIsThere,
		"putting again replaces":             puttingReplaces,
		"keys that nearly agree are others":  nearKeys,
		"any answer is kept as it is":        anyAnswer,
		"readers and writers meet":           readersAndWriters,
		"what it gives is the reader's copy": givenIsStable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func cacheKey(n int) (key lm.CacheKey) {
	copy(key[:], fmt.Sprintf("%032d", n))
	return key
}

// gives fails the test unless the cache has an answer under a key.
func gives(t *testing.T, c lm.Cache, key lm.CacheKey, want lm.Entry) {
	t.Helper()
	got, there := c.Get(key)
	if !there || got.ContentType != want.ContentType || !bytes.Equal(got.Body, want.Body) {
		t.Errorf("Get gives %v, %q and %d bytes; want %q and %d bytes", there, got.ContentType, len(got.Body), want.ContentType, len(want.Body))
	}
}

func emptyCache(t *testing.T, c lm.Cache) {
	t.Helper()
	if e, there := c.Get(lm.CacheKey{}); there {
		t.Errorf("Get gives %+v", e)
	}
}

func putIsThere(t *testing.T, c lm.Cache) {
	t.Helper()
	for i := range 100 {
		c.Put(cacheKey(i), lm.Entry{ContentType: "a/b", Body: fmt.Append(nil, "answer ", i)})
	}
	for i := range 100 {
		gives(t, c, cacheKey(i), lm.Entry{ContentType: "a/b", Body: fmt.Append(nil, "answer ", i)})
	}
	if _, there := c.Get(cacheKey(100)); there {
		t.Error("an answer is there that nobody put")
	}
}

func puttingReplaces(t *testing.T, c lm.Cache) {
	t.Helper()
	for _, body := range []string{"first", "a longer one", ""} {
		e := lm.Entry{ContentType: "t" + body, Body: []byte(body)}
		c.Put(cacheKey(1), e)
		gives(t, c, cacheKey(1), e)
	}
}

func nearKeys(t *testing.T, c lm.Cache) {
	t.Helper()
	for i := range len(lm.CacheKey{}) {
		var key lm.CacheKey
		key[i] = 1
		c.Put(key, lm.Entry{Body: []byte{byte(i)}})
	}
	for i := range len(lm.CacheKey{}) {
		var key lm.CacheKey
		key[i] = 1
		gives(t, c, key, lm.Entry{Body: []byte{byte(i)}})
	}
}

func anyAnswer(t *testing.T, c lm.Cache) {
	t.Helper()
	for i, e := range []lm.Entry{
		{},
		{ContentType: "only/type"},
		{Body: []byte{0}},
		{ContentType: "text/event-stream", Body: []byte("data: \xff\xfe\n\n")},
		{ContentType: strings.Repeat("t", 300), Body: bytes.Repeat([]byte("x"), 1<<20)},
	} {
		c.Put(cacheKey(i), e)
		gives(t, c, cacheKey(i), e)
	}
}

func readersAndWriters(t *testing.T, c lm.Cache) {
	t.Helper()
	var users sync.WaitGroup
	for n := range 8 {
		users.Go(func() {
			for i := range 200 {
				key := cacheKey((n + i) % 20)
				c.Put(key, lm.Entry{ContentType: "t", Body: key[:]})
				if e, there := c.Get(key); there && !bytes.Equal(e.Body, key[:]) {
					t.Errorf("an answer under another's key: %q", e.Body)
				}
			}
		})
	}
	users.Wait()
}

func givenIsStable(t *testing.T, c lm.Cache) {
	t.Helper()
	c.Put(cacheKey(1), lm.Entry{Body: []byte("first")})
	e, _ := c.Get(cacheKey(1))
	for i := range 50 {
		c.Put(cacheKey(i), lm.Entry{Body: bytes.Repeat([]byte("x"), 5000)})
	}
	if string(e.Body) != "first" {
		t.Errorf("what was read has become %.20q", e.Body)
	}
}
