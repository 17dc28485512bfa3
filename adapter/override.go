package adapter

import (
	"crypto/rand"
	"reflect"
	"slices"
	"sync"

	"github.com/dspool/dspool"
)

// overrides are language models of single calls. Each is known under a name of
// its own for as long as a call uses it; calls at the same time share one.
type overrides struct {
	mu    sync.Mutex
	inUse []*override
}

type override struct {
	name  string
	lm    dspool.LM
	users int
}

// use makes a language model known and returns its name. done must be called
// when the call has ended; until then nobody may change what lm points to.
func (o *overrides) use(b Backend, lm dspool.LM) (name string, done func(), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	own := o.find(lm)
	if own == nil {
		own = &override{name: "override:" + rand.Text(), lm: lm} // nobody else guesses the name
		if err := b.ConfigureLM(own.name, lm); err != nil {
			return "", nil, err //nolint:wrapcheck // says it all
		}
		o.inUse = append(o.inUse, own)
	}
	own.users++
	return own.name, func() { o.release(b, own) }, nil
}

// find returns the override that agrees with lm in everything, or nil. Two with
// a KeyFunc never do. Callers hold mu.
func (o *overrides) find(lm dspool.LM) *override {
	for _, known := range o.inUse {
		if reflect.DeepEqual(known.lm, lm) {
			return known
		}
	}
	return nil
}

func (o *overrides) release(b Backend, own *override) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if own.users--; own.users > 0 {
		return
	}
	o.inUse = slices.DeleteFunc(o.inUse, func(known *override) bool { return known == own })
	b.ForgetLM(own.name)
}
