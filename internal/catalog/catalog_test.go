package catalog_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/dspool/dspool/internal/catalog"
)

func TestADefinitionIsFoundByKindAndHash(t *testing.T) {
	t.Parallel()
	c := catalog.New(8)
	c.Pin("program", "h", []byte("p"))
	c.Pin("lm", "h", []byte("l"))
	for kind, want := range map[string]string{"program": "p", "lm": "l"} {
		if got, ok := c.Resolve(kind, "h"); !ok || string(got) != want {
			t.Errorf("Resolve(%q) = %q, %v", kind, got, ok)
		}
	}
	if _, ok := c.Resolve("program", "other"); ok {
		t.Error("found a definition that nobody added")
	}
}

func TestDefinitionsInUseAreNeverForgotten(t *testing.T) {
	t.Parallel()
	c := catalog.New(3)
	kept := c.Pin("program", "kept", []byte("kept"))
	for i := range 20 {
		c.Pin("program", fmt.Sprint(i), nil).Unpin()
	}
	if c.Len() != 3 {
		t.Errorf("%d definitions, limit 3", c.Len())
	}
	if _, ok := c.Resolve("program", "kept"); !ok {
		t.Error("a definition in use was forgotten")
	}
	if _, ok := c.Resolve("program", "19"); !ok {
		t.Error("the latest definition was forgotten")
	}
	var used []*catalog.Entry
	for i := range 10 {
		used = append(used, c.Pin("program", fmt.Sprint("used", i), nil))
	}
	if c.Len() != 11 {
		t.Errorf("%d definitions while 11 are in use", c.Len())
	}
	kept.Unpin()
	for _, e := range used {
		e.Unpin()
	}
	if c.Len() != 3 {
		t.Errorf("%d definitions when none is in use any more, limit 3", c.Len())
	}
}

func TestPinsFromManyCallers(t *testing.T) {
	t.Parallel()
	c := catalog.New(2)
	var callers sync.WaitGroup
	for n := range 8 {
		callers.Go(func() {
			for i := range 500 {
				hash := fmt.Sprint((n + i) % 5)
				e := c.Pin("program", hash, []byte(hash))
				if got, ok := c.Resolve("program", hash); !ok || string(got) != hash {
					t.Errorf("lost a pinned definition: %q, %v", got, ok)
				}
				e.Unpin()
			}
		})
	}
	callers.Wait()
}
