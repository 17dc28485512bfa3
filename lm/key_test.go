package lm

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestAKeyFileIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	write := func(key string, at time.Time) {
		if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		keys := KeyFile(path)
		if _, err := keys(t.Context()); err == nil {
			t.Error("a file that is not there gave a key")
		}
		write(" \n", time.Unix(1, 0))
		if _, err := keys(t.Context()); err == nil {
			t.Error("an empty file gave a key")
		}
		write(" one\n", time.Unix(2, 0))
		for range 2 {
			if key, err := keys(t.Context()); key != "one" || err != nil {
				t.Errorf("%q, %v", key, err)
			}
		}
		write("two", time.Unix(3, 0))
		_ = sleep(t.Context(), keyCheck)
		if key, err := keys(t.Context()); key != "two" || err != nil {
			t.Errorf("after the change: %q, %v", key, err)
		}
	})
}
