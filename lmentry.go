package dspool

import (
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
)

// lmEntry is one of the pool's language models, ready for use.
type lmEntry struct {
	lm   LM // as it was given
	key  Secret
	hash string
	kept *catalog.Entry
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
}

// An lmView never changes.
type lmView struct {
	entries map[string]lmEntry
	secrets *strings.Replacer // takes keys out of text
}

// newLMTable enters the configured language models.
func newLMTable(c Config, defs *catalog.Catalog, egress *lm.Egress) (*lmTable, error) {
	t := &lmTable{defs: defs, egress: egress}
	t.view.Store(&lmView{secrets: strings.NewReplacer()})
	if c.LM.given() {
		if err := t.set("", "Config.LM", c.LM); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.LMs)) {
		if err := t.set(name, fmt.Sprintf("Config.LMs[%q]", name), c.LMs[name]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// set enters a language model, or replaces the one of that name: calls from now
// on get the new one, by its own hash, so that no worker can mistake it for the
// old one.
func (t *lmTable) set(name, path string, given LM) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	keyed := given.withKey(os.Getenv)
	t.serial++
	keyed.serial = t.serial
	body, hash, err := keyed.definition()
	if err != nil {
		return fault.Wrap(fault.InvalidArgument, err, path+" cannot be written as JSON")
	}
	if keyed.hosted() {
		if err := t.egress.Add(hash, keyed.model()); err != nil {
			return fault.Wrap(fault.InvalidArgument, err, path)
		}
	}
	entries := maps.Clone(t.view.Load().entries)
	if entries == nil {
		entries = map[string]lmEntry{}
	}
	t.retire(entries, name)
	entries[name] = lmEntry{lm: given, key: keyed.APIKey, hash: hash, kept: t.defs.Pin(lmKind, hash, body)}
	t.view.Store(&lmView{entries: entries, secrets: t.replacer(entries)})
	return nil
}

// forget takes a language model out.
func (t *lmTable) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := maps.Clone(t.view.Load().entries)
	t.retire(entries, name)
	delete(entries, name)
	t.view.Store(&lmView{entries: entries, secrets: t.replacer(entries)})
}

// retire keeps the definition that has a name now for the calls in flight, and
// lets go of the oldest one kept like that. Callers hold mu.
func (t *lmTable) retire(entries map[string]lmEntry, name string) {
	if old, there := entries[name]; there {
		t.replaced = append(t.replaced, old)
	}
	if n := len(t.replaced); n > replacedMax {
		t.drop(t.replaced[0], entries)
		t.replaced = slices.Delete(t.replaced, 0, 1)
	}
}

// drop forgets a language model that was replaced long ago.
func (t *lmTable) drop(old lmEntry, entries map[string]lmEntry) {
	old.kept.Unpin()
	for _, e := range slices.AppendSeq(slices.Clone(t.replaced[1:]), maps.Values(entries)) {
		if e.hash == old.hash {
			return // it is in use under another name, or again
		}
	}
	t.egress.Remove(old.hash)
}

// replacer finds the keys of all language models that workers may know.
func (t *lmTable) replacer(entries map[string]lmEntry) *strings.Replacer {
	var pairs []string
	for _, e := range slices.AppendSeq(slices.Clone(t.replaced), maps.Values(entries)) {
		if len(e.key) >= secretMin {
			pairs = append(pairs, string(e.key), redacted)
		}
	}
	return strings.NewReplacer(pairs...)
}

// redact takes keys out of text.
func (t *lmTable) redact(text string) string { return t.view.Load().secrets.Replace(text) }

// choose returns the hash of the language model that a request names, or else
// its program, or else the default, "" if there is none.
func (t *lmTable) choose(req *Request) (string, error) {
	name := req.LM
	if name == "" {
		name = req.Program.LM
	}
	v := t.view.Load()
	entry, ok := v.entries[name]
	if !ok && name != "" {
		return "", v.unknown(name)
	}
	return entry.hash, nil
}

func (v *lmView) unknown(name string) *fault.Error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(v.entries)), func(s string) bool { return s == "" })
	has := "none"
	if len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	return fault.Newf(fault.InvalidArgument, "LM: the pool has no language model named %q; it has: %s", name, has).
		WithStarted(fault.StartedNo)
}

// ConfigureLM adds a language model under a name, or replaces the one that has
// it; the name "" is the default. It may be called at any time. Calls that
// begin from now on use it, on the workers there are and on all that come;
// calls in flight keep the one they were given. The error is invalid_argument.
func (p *Pool) ConfigureLM(name string, lm LM) error {
	if err := lm.Validate(); err != nil {
		return err
	}
	return p.lms.set(name, "LM", lm)
}

// ForgetLM takes away a language model; a name that there is not is no error.
// Calls in flight keep it, calls that name it from now on are refused.
func (p *Pool) ForgetLM(name string) { p.lms.forget(name) }

// LM returns the language model of that name as it was configured, the default
// for "", and whether there is one.
func (p *Pool) LM(name string) (LM, bool) {
	e, ok := p.lms.view.Load().entries[name]
	return e.lm, ok
}
