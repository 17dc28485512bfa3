package lmbolt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/lm"
	"github.com/dspool/dspool/lmbolt"
)

func file(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "answers.db")
}

// with runs f on a cache that is then closed.
func with(t testing.TB, path string, o lmbolt.Options, f func(*lmbolt.Cache)) {
	t.Helper()
	c, err := lmbolt.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	f(c)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func key(n int) (k lm.CacheKey) {
	binary.BigEndian.PutUint64(k[8:], uint64(n)) //nolint:gosec // small
	return k
}

func answer(n int) lm.Entry {
	return lm.Entry{ContentType: "text/plain", Body: bytes.Repeat(fmt.Append(nil, n, " "), 200)}
}

// has fails the test unless exactly these answers are there.
func has(t testing.TB, c *lmbolt.Cache, from, to, of int) {
	t.Helper()
	for i := range of {
		e, there := c.Get(key(i))
		if want := i >= from && i < to; there != want || there && !bytes.Equal(e.Body, answer(i).Body) {
			t.Errorf("answer %d: there %v, want %v; %.20q", i, there, want, e.Body)
		}
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]time.Duration{"pending": time.Hour, "written": time.Nanosecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dspooltest.LMCacheConformance(t, func(t *testing.T) lm.Cache {
				c, err := lmbolt.Open(file(t), lmbolt.Options{FlushInterval: interval})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				return c
			})
		})
	}
}

func TestAnswersSurviveARestart(t *testing.T) {
	t.Parallel()
	path := file(t)
	with(t, path, lmbolt.Options{FlushInterval: time.Hour}, func(c *lmbolt.Cache) {
		for i := range 50 {
			c.Put(key(i), answer(i))
		}
		if st := c.Stats(); st.Pending != 50 || st.Entries != 0 {
			t.Errorf("before it is written: %+v", st)
		}
	})
	with(t, path, lmbolt.Options{}, func(c *lmbolt.Cache) {
		has(t, c, 0, 50, 60)
		if st := c.Stats(); st.Entries != 50 || st.Bytes < 50*400 || st.Lost+st.Damaged+st.Refused+st.Pending != 0 {
			t.Errorf("stats %+v", st)
		}
	})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTheOldestAnswersGoWhenThereIsNoRoom(t *testing.T) {
	t.Parallel()
	path := file(t)
	size := int64(len(answer(100).Body)) + 200
	for i := range 30 {
		with(t, path, lmbolt.Options{Bytes: 10 * size}, func(c *lmbolt.Cache) {
			c.Put(key(i), answer(i))
			if i == 29 {
				c.Put(key(21), answer(21)) // again: it is young now
			}
		})
	}
	with(t, path, lmbolt.Options{Bytes: 10 * size}, func(c *lmbolt.Cache) {
		st := c.Stats()
		if st.Bytes > 10*size || st.Entries < 9 {
			t.Errorf("stats %+v, limit %d", st, 10*size)
		}
		has(t, c, 30-int(st.Entries), 30, 30)
	})
	with(t, path, lmbolt.Options{Bytes: 2 * size}, func(c *lmbolt.Cache) { c.Put(key(99), answer(99)) })
	with(t, path, lmbolt.Options{}, func(c *lmbolt.Cache) {
		if _, there := c.Get(key(21)); !there || c.Stats().Entries > 3 {
			t.Errorf("what was written again last is there: %v, %+v", there, c.Stats())
		}
	})
}

func TestOldAnswersAreNotThere(t *testing.T) {
	t.Parallel()
	path := file(t)
	synctest.Test(t, func(t *testing.T) {
		with(t, path, lmbolt.Options{}, func(c *lmbolt.Cache) { c.Put(key(0), answer(0)) })
		<-time.After(time.Hour)
		with(t, path, lmbolt.Options{Age: time.Hour}, func(c *lmbolt.Cache) {
			has(t, c, 0, 1, 1)
			<-time.After(time.Second)
			has(t, c, 1, 1, 1)
			c.Put(key(1), answer(1))
		})
		with(t, path, lmbolt.Options{Age: -1}, func(c *lmbolt.Cache) {
			has(t, c, 1, 2, 2)
			if st := c.Stats(); st.Entries != 1 {
				t.Errorf("the old one is still in the file: %+v", st)
			}
			<-time.After(1000 * time.Hour)
			has(t, c, 1, 2, 2)
		})
	})
}

// What the disk is too slow for is lost, and memory is bounded.
func TestWhatWaitsForTheDiskIsBounded(t *testing.T) {
	t.Parallel()
	with(t, file(t), lmbolt.Options{FlushInterval: time.Hour}, func(c *lmbolt.Cache) {
		big := lm.Entry{Body: make([]byte, 1<<20)}
		for i := range 40 {
			c.Put(key(i), big)
		}
		for range 40 {
			c.Put(key(0), big) // takes no more room
		}
		if st := c.Stats(); st.Pending != 31 || st.Lost != 9 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestAClosedCacheHasNothingAndKeepsNothing(t *testing.T) {
	t.Parallel()
	var closed *lmbolt.Cache
	with(t, file(t), lmbolt.Options{}, func(c *lmbolt.Cache) {
		c.Put(key(0), answer(0))
		closed = c
	})
	closed.Put(key(1), answer(1))
	has(t, closed, 0, 0, 2)
	if st := closed.Stats(); st.Lost != 1 || st.Damaged != 0 {
		t.Errorf("stats %+v", st)
	}
}

func wantRefusal(t testing.TB, path string, o lmbolt.Options, kind string, code fault.Code, says string) {
	t.Helper()
	c, err := lmbolt.Open(path, o)
	if err == nil {
		_ = c.Close()
		t.Fatalf("Open of a file that is %s worked", kind)
	}
	f := fault.From(err)
	if f.Code != code || f.Details["store"] != kind || !strings.Contains(f.Message, says) {
		t.Errorf("error %v with %v\nwant %s, %s, saying %q", err, f.Details, code, kind, says)
	}
}

func TestFilesThatAreNoCacheAreRefused(t *testing.T) {
	t.Parallel()
	path := file(t)
	with(t, path, lmbolt.Options{}, func(*lmbolt.Cache) {
		wantRefusal(t, path, lmbolt.Options{Timeout: -1}, "locked", fault.Unavailable, "the cache of answers "+path)
	})
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("dspool")).Put([]byte("format"), []byte("2")) })
	wantRefusal(t, path, lmbolt.Options{}, "newer_version", fault.Unsupported, "newer version")
	garbage := file(t)
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("no"), 40_000), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, garbage, lmbolt.Options{}, "corrupt", fault.InvalidArgument, "damaged")
	wantRefusal(t, t.TempDir(), lmbolt.Options{}, "path", fault.InvalidArgument, "must be a file")
	for _, o := range []lmbolt.Options{{Bytes: -1}, {Age: -2}, {FlushInterval: -1}} {
		if _, err := lmbolt.Open(file(t), o); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "lmbolt.Options.") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := lmbolt.Open("", lmbolt.Options{}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an empty path: %v", err)
	}
}

// edit changes a file below the cache.
func edit(t testing.TB, path string, f func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(f); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A record that is not as it was written is not there; it is replaced like any
// other.
func TestADamagedRecordIsNotThere(t *testing.T) {
	t.Parallel()
	path := file(t)
	with(t, path, lmbolt.Options{}, func(c *lmbolt.Cache) {
		for i := range 3 {
			c.Put(key(i), answer(i))
		}
	})
	edit(t, path, func(tx *bbolt.Tx) error {
		k, b := key(0), tx.Bucket([]byte("entries"))
		raw := bytes.Clone(b.Get(k[:]))
		raw[len(raw)-1] ^= 1
		return b.Put(k[:], raw)
	})
	with(t, path, lmbolt.Options{FlushInterval: time.Nanosecond}, func(c *lmbolt.Cache) {
		has(t, c, 1, 3, 3)
		if st := c.Stats(); st.Damaged != 1 {
			t.Errorf("stats %+v", st)
		}
		c.Put(key(0), answer(0))
	})
	with(t, path, lmbolt.Options{}, func(c *lmbolt.Cache) { has(t, c, 0, 3, 3) })
}

// Whatever a disk does to a page, the process lives, and an answer is as it was
// written or is not there.
func TestADamagedFileNeverEndsTheProcess(t *testing.T) {
	t.Parallel()
	path := file(t)
	with(t, path, lmbolt.Options{}, func(c *lmbolt.Cache) {
		for i := range 200 {
			c.Put(key(i), answer(i))
		}
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random, page, noticed := rand.New(rand.NewPCG(3, 4)), os.Getpagesize(), int64(0)
	for range 60 {
		hurt := bytes.Clone(whole)
		at := random.IntN(len(hurt)/page) * page
		for i := range hurt[at : at+page] {
			if random.IntN(3) == 0 {
				hurt[at+i] = byte(random.Uint32())
			}
		}
		broken := file(t)
		if err := os.WriteFile(broken, hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := lmbolt.Open(broken, lmbolt.Options{FlushInterval: time.Nanosecond})
		if err != nil {
			noticed++
			continue
		}
		for i := range 200 {
			if e, there := c.Get(key(i)); there && !bytes.Equal(e.Body, answer(i).Body) {
				t.Fatalf("page %d: a wrong answer %.40q", at/page, e.Body)
			}
		}
		c.Put(key(500), answer(500))
		_ = c.Close()
		noticed += c.Stats().Damaged
	}
	if noticed == 0 {
		t.Error("no damage was noticed")
	}
}
