package lmbolt

import (
	"path/filepath"
	"testing"

	"github.com/dspool/dspool/lm"
)

// A file that takes nothing any more costs the answers, and nobody an error.
func TestWhatCannotBeWrittenIsLost(t *testing.T) {
	t.Parallel()
	c, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.file.Close(); err != nil {
		t.Fatal(err)
	}
	c.Put(lm.CacheKey{1}, lm.Entry{Body: []byte("x")})
	_ = c.Close()
	if st := c.Stats(); st.Lost != 1 || st.Refused != 1 || st.Pending != 0 || st.Entries != 0 {
		t.Errorf("stats %+v", st)
	}
	if _, there := c.Get(lm.CacheKey{1}); there {
		t.Error("it is there")
	}
}
