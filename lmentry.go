package dspool

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/catalog"
)

// Kinds of definitions that a worker may ask for.
const (
	programKind = "program"
	lmKind      = "lm"
)

// secretMin is the shortest key that is searched for in workers' output:
// replacing shorter ones would mangle ordinary text.
const secretMin = 8

// lmEntry is one of the pool's language models, ready for use.
type lmEntry struct{ hash string }

// lmTable holds the pool's language models by name, the default under "".
type lmTable struct {
	entries map[string]lmEntry
	redact  *strings.Replacer // takes their keys out of text
}

// enterLMs puts the configured language models into the catalog for good.
func enterLMs(c Config, defs *catalog.Catalog) (lmTable, error) {
	t := lmTable{entries: make(map[string]lmEntry, len(c.LMs)+1)}
	var secrets []string
	add := func(name, path string, lm LM) error {
		lm = lm.withKey(os.Getenv)
		body, hash, err := lm.definition()
		if err != nil {
			return fault.Wrap(fault.InvalidArgument, err, path+" cannot be written as JSON")
		}
		if len(lm.APIKey) >= secretMin {
			secrets = append(secrets, string(lm.APIKey), redacted)
		}
		defs.Pin(lmKind, hash, body)
		t.entries[name] = lmEntry{hash: hash}
		return nil
	}
	if c.LM.given() {
		if err := add("", "Config.LM", c.LM); err != nil {
			return t, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.LMs)) {
		if err := add(name, fmt.Sprintf("Config.LMs[%q]", name), c.LMs[name]); err != nil {
			return t, err
		}
	}
	t.redact = strings.NewReplacer(secrets...)
	return t, nil
}

// choose returns the hash of the language model that a request names, or else
// its program, or else the default, "" if there is none.
func (t lmTable) choose(req *Request) (string, error) {
	name := req.LM
	if name == "" {
		name = req.Program.LM
	}
	entry, ok := t.entries[name]
	if !ok && name != "" {
		return "", t.unknown(name)
	}
	return entry.hash, nil
}

func (t lmTable) unknown(name string) *fault.Error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(t.entries)), func(s string) bool { return s == "" })
	has := "none"
	if len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	return fault.Newf(fault.InvalidArgument, "LM: the pool has no language model named %q; Config.LMs has: %s", name, has).
		WithStarted(fault.StartedNo)
}
