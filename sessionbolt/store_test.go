package sessionbolt_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/sessionbolt"
)

// opened is a store that is closed with the test.
func opened(t testing.TB, path string, o sessionbolt.Options) *sessionbolt.Store {
	t.Helper()
	s, err := sessionbolt.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// file is the path of a store that is not there yet.
func file(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "sessions.db")
}

// filled is the path of a closed store with records, among them a large one.
func filled(t testing.TB) string {
	t.Helper()
	path := file(t)
	s, err := sessionbolt.Open(path, sessionbolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{"large": bytes.Repeat([]byte("x"), 100_000)}
	for i := range 200 {
		records[fmt.Sprintf("s%03d", i)] = bytes.Repeat([]byte{'a' + byte(i%26)}, 500)
	}
	if err := s.Save(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantRefusal checks what Open says about a file.
func wantRefusal(t testing.TB, path string, o sessionbolt.Options, kind string, code fault.Code, says string) {
	t.Helper()
	s, err := sessionbolt.Open(path, o)
	if err == nil {
		_ = s.Close()
		t.Fatalf("Open of a store that is %s worked", kind)
	}
	f := fault.From(err)
	if f.Code != code || f.Details["store"] != kind || !strings.Contains(f.Message, says) || !strings.Contains(f.Message, path) {
		t.Errorf("error %v with %v\nwant %s, %s, saying %q", err, f.Details, code, kind, says)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	dspooltest.SessionStoreConformance(t, func(t *testing.T) dspool.SessionStore {
		return opened(t, file(t), sessionbolt.Options{})
	})
}

func TestRecordsSurviveTheStore(t *testing.T) {
	t.Parallel()
	path := filled(t)
	s := opened(t, path, sessionbolt.Options{})
	ids, err := s.List(t.Context())
	if err != nil || len(ids) != 201 {
		t.Fatalf("%d ids, %v", len(ids), err)
	}
	got, err := s.Load(t.Context(), "large")
	if err != nil || len(got) != 100_000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	t.Parallel()
	s, err := sessionbolt.Open(file(t), sessionbolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := s.Save(t.Context(), map[string][]byte{"a": nil}); fault.CodeOf(err) != fault.ShuttingDown {
		t.Errorf("Save after Close: %v", err)
	}
}

func TestALockedFileIsWaitedForInBounds(t *testing.T) {
	t.Parallel()
	path := file(t)
	s, err := sessionbolt.Open(path, sessionbolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	wantRefusal(t, path, sessionbolt.Options{Timeout: 100 * time.Millisecond}, "locked", fault.Unavailable, "open in another process")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it waited for %s", took)
	}
	wantRefusal(t, path, sessionbolt.Options{Timeout: -1}, "locked", fault.Unavailable, "stop that one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, path, sessionbolt.Options{})
}

func TestFilesThatAreNoStoreAreRefused(t *testing.T) {
	t.Parallel()
	garbage := file(t)
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("not a store. "), 4000), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, garbage, sessionbolt.Options{}, "corrupt", fault.InvalidArgument, "restore it from a backup")
	wantRefusal(t, t.TempDir(), sessionbolt.Options{}, "path", fault.InvalidArgument, "must be a file")
	wantRefusal(t, filepath.Join(t.TempDir(), "no", "such", "folder.db"), sessionbolt.Options{}, "path", fault.InvalidArgument, "folder must exist")
	if _, err := sessionbolt.Open("", sessionbolt.Options{}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an empty path: %v", err)
	}
	foreign := file(t)
	edit(t, foreign, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("somebody else's"))
		return err
	})
	wantRefusal(t, foreign, sessionbolt.Options{}, "foreign", fault.InvalidArgument, "another file")
}

func TestANewerFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filled(t)
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("dspool")).Put([]byte("format"), []byte("2")) })
	wantRefusal(t, path, sessionbolt.Options{}, "newer_version", fault.Unsupported, "newer version")
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("dspool")).Put([]byte("format"), []byte("1")) })
	opened(t, path, sessionbolt.Options{})
}

// edit changes a file below the store.
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

func TestACutFileIsRefusedAndLetGo(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for _, size := range []int{1, page - 1, 2*page + 5, 3 * page, len(whole) / 2, len(whole) - 40*page} {
		path := file(t)
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is not locked by the first
			wantRefusal(t, path, sessionbolt.Options{}, "corrupt", fault.InvalidArgument, "damaged")
		}
	}
}

// Whatever a disk does to a page, the process lives, and what the store still
// gives is typed or as it was.
func TestADamagedFileNeverEndsTheProcess(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	page, refused := os.Getpagesize(), 0
	for range 60 {
		hurt := bytes.Clone(whole)
		at := random.IntN(len(hurt)/page) * page
		for i := range hurt[at : at+page] {
			if random.IntN(3) == 0 {
				hurt[at+i] = byte(random.Uint32())
			}
		}
		path := file(t)
		if err := os.WriteFile(path, hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sessionbolt.Open(path, sessionbolt.Options{})
		if err != nil {
			refused++
			if kind := fault.From(err).Details["store"]; kind == "" || kind == "failed" || kind == "locked" {
				t.Errorf("page %d: %v", at/page, err)
			}
			continue
		}
		ids, _ := s.List(t.Context())
		for _, id := range ids {
			_, _ = s.Load(t.Context(), id)
		}
		_ = s.Save(t.Context(), map[string][]byte{"new": []byte("x")})
		_ = s.Close()
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

func TestAFullStoreRefusesAndWorksOn(t *testing.T) {
	t.Parallel()
	s := opened(t, file(t), sessionbolt.Options{SizeMax: 256 << 10})
	big := bytes.Repeat([]byte("x"), 1<<20)
	if err := s.Save(t.Context(), map[string][]byte{"small": []byte("1")}); err != nil {
		t.Fatal(err)
	}
	err := s.Save(t.Context(), map[string][]byte{"big": big, "small": []byte("2")})
	if f := fault.From(err); f == nil || f.Code != fault.ResourceExhausted || f.Details["store"] != "full" {
		t.Fatalf("error %v", err)
	}
	if got, err := s.Load(t.Context(), "small"); err != nil || string(got) != "1" {
		t.Errorf("%q, %v: half of a refused Save is there", got, err)
	}
	if err := s.Save(t.Context(), map[string][]byte{"small": []byte("3")}); err != nil {
		t.Errorf("the store does not work on: %v", err)
	}
}
