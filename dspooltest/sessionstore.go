package dspooltest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// SessionStoreConformance runs what every [dspool.SessionStore] has to pass.
// open returns an empty store, which the suite does not close: use t.Cleanup.
func SessionStoreConformance(t *testing.T, open func(t *testing.T) dspool.SessionStore) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, dspool.SessionStore){
		"an empty store has nothing":           emptyStore,
		"what is saved is loaded":              savedIsLoaded,
		"saving again replaces":                savingReplaces,
		"any id is kept as it is":              anyID,
		"large records are kept":               largeRecord,
		"deleting removes those and no others": deletingRemoves,
		"bytes are not shared":                 bytesAreCopied,
		"nothing to do is no error":            nothingToDo,
		"an ended context changes nothing":     endedContext,
		"readers and a writer meet":            readersAndWriter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// saves fails the test unless the records are saved.
func saves(t *testing.T, s dspool.SessionStore, records map[string][]byte) {
	t.Helper()
	if err := s.Save(t.Context(), records); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// holds fails the test unless the store has exactly these records.
func holds(t *testing.T, s dspool.SessionStore, want map[string][]byte) {
	t.Helper()
	ids, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if len(ids) != len(want) || !slices.IsSorted(ids) {
		t.Errorf("List gives %d ids, want %d, sorted: %.200q", len(ids), len(want), ids)
	}
	for id, record := range want {
		got, err := s.Load(t.Context(), id)
		if err != nil || !bytes.Equal(got, record) {
			t.Errorf("Load(%.40q) gives %d bytes, %v; want %d bytes", id, len(got), err, len(record))
		}
	}
}

func missing(t *testing.T, s dspool.SessionStore, id string) {
	t.Helper()
	if got, err := s.Load(t.Context(), id); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("Load(%q) gives %q, %v; want not_found", id, got, err)
	}
}

func emptyStore(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	holds(t, s, nil)
	missing(t, s, "x")
}

func savedIsLoaded(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	want := map[string][]byte{}
	for i := range 100 {
		want[fmt.Sprintf("session %03d", i)] = fmt.Appendf(nil, `{"n":%d}`, i)
	}
	saves(t, s, want)
	holds(t, s, want)
	missing(t, s, "session")
}

func savingReplaces(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	saves(t, s, map[string][]byte{"a": []byte("1"), "b": []byte("2")})
	saves(t, s, map[string][]byte{"a": []byte("a longer one"), "c": []byte("3")})
	holds(t, s, map[string][]byte{"a": []byte("a longer one"), "b": []byte("2"), "c": []byte("3")})
}

func anyID(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	want := map[string][]byte{}
	for _, id := range []string{" ", "/", "../x", "a/b", "a b", "é", "日本語", "A", "a", "'; --", strings.Repeat("x", dspool.SessionMax)} {
		want[id] = []byte(id)
	}
	saves(t, s, want)
	holds(t, s, want)
}

func largeRecord(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	want := map[string][]byte{"large": bytes.Repeat([]byte("0123456789abcdef"), 1<<18), "small": []byte("x")}
	saves(t, s, want)
	holds(t, s, want)
}

func deletingRemoves(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	saves(t, s, map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": []byte("3")})
	if err := s.Delete(t.Context(), "a", "never there", "c"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	holds(t, s, map[string][]byte{"b": []byte("2")})
	missing(t, s, "a")
}

func bytesAreCopied(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	record := []byte("saved")
	saves(t, s, map[string][]byte{"a": record})
	copy(record, "xxxxx")
	got, err := s.Load(t.Context(), "a")
	if err != nil || string(got) != "saved" {
		t.Fatalf("Load gives %q, %v: Save has kept the caller's bytes", got, err)
	}
	copy(got, "yyyyy")
	holds(t, s, map[string][]byte{"a": []byte("saved")})
}

func nothingToDo(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	saves(t, s, nil)
	if err := s.Delete(t.Context()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if err := s.Delete(t.Context(), "never there"); err != nil {
		t.Errorf("Delete of an unknown id: %v", err)
	}
}

func endedContext(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	want := map[string][]byte{"a": []byte("1")}
	saves(t, s, want)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, load := s.Load(ctx, "a")
	_, list := s.List(ctx)
	for what, err := range map[string]error{
		"Save": s.Save(ctx, map[string][]byte{"a": []byte("2")}), "Delete": s.Delete(ctx, "a"), "Load": load, "List": list,
	} {
		if fault.CodeOf(err) != fault.Canceled {
			t.Errorf("%s with an ended context: %v, want canceled", what, err)
		}
	}
	holds(t, s, want)
}

func readersAndWriter(t *testing.T, s dspool.SessionStore) {
	t.Helper()
	saves(t, s, map[string][]byte{"a": []byte("00"), "b": []byte("00")})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 50 {
				if got, err := s.Load(t.Context(), "a"); err != nil || len(got) != 2 {
					t.Errorf("Load gives %q, %v", got, err)
				}
				if ids, err := s.List(t.Context()); err != nil || len(ids) != 2 {
					t.Errorf("List gives %q, %v", ids, err)
				}
			}
		})
	}
	for i := range 20 {
		record := fmt.Appendf(nil, "%02d", i)
		saves(t, s, map[string][]byte{"a": record, "b": record})
	}
	readers.Wait()
	holds(t, s, map[string][]byte{"a": []byte("19"), "b": []byte("19")})
}
