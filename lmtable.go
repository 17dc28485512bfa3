package dspool

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/lm"
)

// Kinds of definitions that a worker may ask for.
const (
	programKind = "program"
	lmKind      = "lm"
)

const (
	// secretMin is the shortest key that is searched for in workers' output:
	// replacing shorter ones would mangle ordinary text.
	secretMin = 8
	// replacedMax is how many language models that have been replaced are kept
	// for the calls in flight that were given them.
	replacedMax = 64
	// learnedMax is how many keys from files and callbacks are remembered.
	learnedMax = 64
)

// lmEntry is one of the pool's language models, ready for use.
type lmEntry struct {
	owner string   // the tenant whose it is, "" for the pool
	reach []string // what the host calls it, and those that it falls back to
	lm    LM       // as it was given
	keyed LM       // with the key that the environment has
	host  string
	hash  string
	kept  *catalog.Entry
}

// lmTable holds the pool's language models by name, the default under "".
// Readers take the view that is there; writers replace it.
type lmTable struct {
	defs   *catalog.Catalog
	egress *lm.Egress
	view   atomic.Pointer[lmView]

	mu       sync.Mutex
	serial   int
	replaced []lmEntry
	learned  []string // keys that came from files and callbacks
}

// An lmView never changes.
type lmView struct {
	entries map[string]lmEntry  // by name, scoped to the tenant whose it is
	owners  map[string][]string // by what the host calls one: whose entries lead to it
	secrets *strings.Replacer   // takes keys out of text
}

// newLMTable enters the configured language models.
func newLMTable(c Config, defs *catalog.Catalog, egress *lm.Egress) (*lmTable, error) {
	t := &lmTable{defs: defs, egress: egress}
	t.view.Store(&lmView{secrets: strings.NewReplacer()})
	t.mu.Lock()
	defer t.mu.Unlock()
	return t, t.enter(familyOf(c), func(name string) string {
		if name == "" {
			return "Config.LM"
		}
		return fmt.Sprintf("Config.LMs[%q]", name)
	})
}

// set enters a language model, or replaces the one of that name: calls from now
// on get the new one, by its own hash, so that no worker can mistake it for the
// old one.
func (t *lmTable) set(name string, given LM) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.enter(lmFamily{name: given}, func(string) string { return "LM" })
}

// setAll enters language models of tenants by their scoped names, and takes out
// those in gone.
func (t *lmTable) setAll(given lmFamily, gone []string, path func(string) string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(given) > 0 {
		if err := t.enter(given, path); err != nil {
			return err
		}
	}
	t.remove(gone)
	return nil
}

// enter enters language models, which may fall back to each other and to those
// that are there. Callers hold mu.
func (t *lmTable) enter(given lmFamily, path func(string) string) error {
	family := t.family()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		t.serial++
		keyed := given[name].withKey(os.Getenv)
		keyed.serial = t.serial
		family[name] = keyed
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		errs = append(errs, family.check(path(name), name)...)
	}
	if len(errs) > 0 {
		return fault.New(fault.InvalidArgument, joined(errs))
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := t.host(name, family[name]); err != nil {
			return fault.Wrap(fault.InvalidArgument, err, path(name))
		}
	}
	return t.publish(family, given)
}

// family returns the language models there are. Callers hold mu.
func (t *lmTable) family() lmFamily {
	family := lmFamily{}
	for name, e := range t.view.Load().entries {
		family[name] = e.keyed
	}
	return family
}

// host tells the egress of a language model that the host asks.
func (t *lmTable) host(name string, keyed LM) error {
	if !keyed.hosted() {
		return nil
	}
	m := keyed.model(name)
	if keyed.APIKey == "" && m.Key != nil {
		m.Key = t.overhear(m.Key)
	}
	return t.egress.Add(keyed.hostID(), m)
}

// publish makes a view of a family. The language models in given are new;
// others change if one that they fall back to has. Callers hold mu.
func (t *lmTable) publish(family, given lmFamily) error {
	before := t.view.Load().entries
	entries := make(map[string]lmEntry, len(family))
	for name, keyed := range family {
		if old, there := before[name]; there && old.keyed.serial == keyed.serial && len(keyed.Fallback) == 0 {
			entries[name] = old
			continue
		}
		defined := family.define(name)
		body, hash, err := defined.encode()
		if err != nil {
			return fault.Wrap(fault.InvalidArgument, err, "a language model cannot be written as JSON")
		}
		entry := before[name]
		if given, changed := given[name]; changed {
			entry.lm = given
		}
		if entry.hash != hash || entry.keyed.serial != keyed.serial {
			t.retire(before, name)
			entry.kept = t.defs.Pin(lmKind, hash, body)
		}
		entry.keyed, entry.host, entry.hash = keyed, keyed.hostID(), hash
		entry.owner, _ = unscoped(name)
		entry.reach = defined.hosts(nil)
		entries[name] = entry
	}
	t.trim(entries)
	t.view.Store(&lmView{entries: entries, owners: ownersOf(entries), secrets: t.replacer(entries)})
	return nil
}

// ownersOf lists for each language model whose entries lead to it.
func ownersOf(entries map[string]lmEntry) map[string][]string {
	owners := map[string][]string{}
	for _, e := range entries {
		for _, id := range e.reach {
			if !slices.Contains(owners[id], e.owner) {
				owners[id] = append(owners[id], e.owner)
			}
		}
	}
	return owners
}

// forget takes a language model out; those that fall back to it do so no more.
func (t *lmTable) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove([]string{name})
}

// remove takes language models out. Callers hold mu.
func (t *lmTable) remove(names []string) {
	family, before := t.family(), t.view.Load().entries
	for _, name := range names {
		t.retire(before, name)
		delete(family, name)
	}
	if len(family) < len(before) {
		_ = t.publish(family, nil) // all of them have been written before
	}
}

// retire keeps the definition that has a name now for the calls in flight.
// Callers hold mu.
func (t *lmTable) retire(entries map[string]lmEntry, name string) {
	if old, there := entries[name]; there {
		t.replaced = append(t.replaced, old)
	}
}

// trim lets go of the oldest definitions that are kept for calls in flight.
// Callers hold mu.
func (t *lmTable) trim(entries map[string]lmEntry) {
	for len(t.replaced) > replacedMax {
		old := t.replaced[0]
		t.replaced = slices.Delete(t.replaced, 0, 1)
		old.kept.Unpin()
		if !t.uses(entries, old.host) {
			t.egress.Remove(old.host)
		}
	}
}

// uses reports whether the egress still needs a language model: it is in use
// under another name, or again. Callers hold mu.
func (t *lmTable) uses(entries map[string]lmEntry, host string) bool {
	for _, e := range slices.AppendSeq(slices.Clone(t.replaced), maps.Values(entries)) {
		if e.host == host {
			return true
		}
	}
	return false
}

// overhear passes on what a KeyFunc returns and remembers each new key, so that
// it can be taken out of text.
func (t *lmTable) overhear(next lm.KeyFunc) lm.KeyFunc {
	var last atomic.Pointer[string]
	return func(ctx context.Context) (string, error) {
		key, err := next(ctx)
		if before := last.Load(); err == nil && (before == nil || *before != key) {
			last.Store(&key)
			t.learn(key)
		}
		return key, err
	}
}

// learn remembers a key.
func (t *lmTable) learn(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.learned, key) {
		return
	}
	if t.learned = append(t.learned, key); len(t.learned) > learnedMax {
		t.learned = slices.Delete(t.learned, 0, 1)
	}
	v := *t.view.Load()
	v.secrets = t.replacer(v.entries)
	t.view.Store(&v)
}

// replacer finds the keys of all language models. Callers hold mu.
func (t *lmTable) replacer(entries map[string]lmEntry) *strings.Replacer {
	keys := slices.Clone(t.learned)
	for _, e := range slices.AppendSeq(slices.Clone(t.replaced), maps.Values(entries)) {
		keys = append(keys, e.keyed.secrets()...)
	}
	var pairs []string
	for _, key := range keys {
		if len(key) >= secretMin {
			pairs = append(pairs, key, redacted)
		}
	}
	return strings.NewReplacer(pairs...)
}
