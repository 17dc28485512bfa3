package dspool

import (
	"fmt"
	"os"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/catalog"
)

// Kinds of definitions that a worker may ask for.
const (
	programKind = "program"
	lmKind      = "lm"
)

// lmEntry is one of the pool's language models, ready for use.
type lmEntry struct{ hash string }

// enterLMs puts the configured language models into the catalog for good and
// returns their hashes by name, the default under "".
func enterLMs(c Config, defs *catalog.Catalog) (map[string]lmEntry, error) {
	entries := make(map[string]lmEntry, len(c.LMs)+1)
	add := func(name, path string, lm LM) error {
		body, hash, err := lm.definition(os.Getenv)
		if err != nil {
			return fault.Wrap(fault.InvalidArgument, err, fmt.Sprintf("%s cannot be written as JSON", path))
		}
		defs.Pin(lmKind, hash, body)
		entries[name] = lmEntry{hash: hash}
		return nil
	}
	if c.LM.given() {
		if err := add("", "Config.LM", c.LM); err != nil {
			return nil, err
		}
	}
	for name, lm := range c.LMs {
		if err := add(name, fmt.Sprintf("Config.LMs[%q]", name), lm); err != nil {
			return nil, err
		}
	}
	return entries, nil
}
