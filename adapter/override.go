package adapter

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/dspool/dspool"
)

// overrides are language models of single calls. Each is known under a name of
// its own for as long as a call uses it.
type overrides struct {
	mu    sync.Mutex
	users map[string]int
}

// use makes a language model known and returns its name. done must be called
// when the call has ended.
func (o *overrides) use(b Backend, lm dspool.LM) (name string, done func(), err error) {
	name = fmt.Sprintf("override:%x", sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %v %v %v %v %v %v",
		lm.Model, lm.APIBase, string(lm.APIKey), lm.ModelType, deref(lm.Temperature), lm.MaxTokens, lm.Timeout,
		deref(lm.Retries), lm.Cache, lm.Extra)))
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == nil {
		o.users = map[string]int{}
	}
	if o.users[name] == 0 {
		if err := b.ConfigureLM(name, lm); err != nil {
			return "", nil, err //nolint:wrapcheck // says it all
		}
	}
	o.users[name]++
	return name, func() { o.release(b, name) }, nil
}

func (o *overrides) release(b Backend, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users[name]--; o.users[name] == 0 {
		delete(o.users, name)
		b.ForgetLM(name)
	}
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
