package dspooltest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dspool/dspool/internal/delay"
)

// serveChat answers a chat completion, or a completion of the older form.
func (p *PracticeLM) serveChat(w http.ResponseWriter, r *http.Request) {
	defer p.counts.begin()()
	seen := PracticeRequest{Key: keyHash(r)}
	req, err := readRequest(w, r)
	if err != nil {
		p.counts.add(seen, http.StatusBadRequest)
		writeError(w, http.StatusBadRequest, "invalid_request_error", "", err.Error())
		return
	}
	seen.Model, seen.Stream, seen.Tools = req.Model, req.Stream, len(req.Tools) > 0
	seen.System, seen.User, seen.Number = req.system(), req.user(), p.counts.number()
	if p.config.Observe != nil {
		p.config.Observe(seen)
	}
	b, err := p.behaviour(seen, req, r.Header.Get("X-Practice"))
	if err != nil {
		p.counts.add(seen, http.StatusBadRequest)
		writeError(w, http.StatusBadRequest, "invalid_request_error", "", err.Error())
		return
	}
	p.counts.add(seen, p.answer(w, r, req, b))
}

// behaviour decides how the request is answered: the configuration's or the
// first matching rule's, changed by the options that the request brings.
func (p *PracticeLM) behaviour(seen PracticeRequest, req *chatRequest, header string) (Behaviour, error) {
	b := p.config.Behaviour
	if rule := p.rules.find(seen); rule != nil {
		b = rule.Behaviour
	}
	for _, options := range []string{req.options, header} {
		if options == "" {
			continue
		}
		var err error
		if b, err = ParseBehaviour(b, options); err != nil {
			return b, err
		}
	}
	if b.First > 0 && p.rules.repeats(req.hash()^mixKey(req.options)) > b.First {
		b.Fail, b.ErrorRate, b.Malformed = failureNone, 0, ""
	}
	return b, nil
}

func mixKey(options string) uint64 {
	sum := sha256.Sum256([]byte(options))
	return uint64(sum[0]) | uint64(sum[1])<<8 | uint64(sum[2])<<16
}

// answer writes the answer and returns its status, 0 if the client left or
// was cut off.
func (p *PracticeLM) answer(w http.ResponseWriter, r *http.Request, req *chatRequest, b Behaviour) int {
	if wait, ok := p.limiter.take(keyHash(r), time.Now()); !ok {
		return writeFailure(w, FailRateLimit, wait)
	}
	hash := req.hash()
	if d := b.wait(hash ^ p.config.Seed); d > 0 && delay.Wait(r.Context(), d) != nil {
		p.counts.abandoned()
		return 0
	}
	if fail := b.failure(p.counts.share); fail != failureNone {
		return p.fail(w, r, fail, b.RetryAfter)
	}
	reply := p.compose(req, b)
	if req.Stream {
		return p.stream(r.Context(), w, req, reply, b)
	}
	return writeReply(w, req, reply, b.Malformed)
}

// failure returns what this request fails with. share gives its position
// between 0 and 1 in a sequence that fills that range evenly.
func (b *Behaviour) failure(share func() float64) Failure {
	switch {
	case b.ErrorRate <= 0:
		return b.Fail
	case share() >= b.ErrorRate:
		return failureNone
	case b.Fail == failureNone:
		return FailServer
	default:
		return b.Fail
	}
}

func (p *PracticeLM) fail(w http.ResponseWriter, r *http.Request, f Failure, after time.Duration) int {
	switch f {
	case FailHang:
		<-r.Context().Done()
		p.counts.abandoned()
		return 0
	case FailReset:
		cut(w)
		return 0
	default:
		return writeFailure(w, f, after)
	}
}

// keyHash returns a short hash of the request's key, so that tests can tell
// keys apart and nothing here holds one.
func keyHash(r *http.Request) string {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if key == "" {
		key = r.Header.Get("Api-Key")
	}
	if key == "" {
		return ""
	}
	return KeyHash(key)
}

// KeyHash returns the name under which [PracticeStats] and [PracticeRequest] show
// the given API key.
func KeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:6])
}

// ruleBook finds rules and counts what rules and options count.
type ruleBook struct {
	rules []Rule

	mu    sync.Mutex
	spent []int
	seen  map[uint64]int
}

func (b *ruleBook) find(req PracticeRequest) *Rule {
	for i := range b.rules {
		rule := &b.rules[i]
		if rule.matches(req) && b.take(i) {
			return rule
		}
	}
	return nil
}

// take uses rule i once, unless it is spent.
func (b *ruleBook) take(i int) bool {
	times := b.rules[i].Times
	if times <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent[i] >= times {
		return false
	}
	b.spent[i]++
	return true
}

// seenLimit bounds how many different requests are counted; when it is
// reached, counting starts anew.
const seenLimit = 100_000

// repeats counts a request and returns how often it has come.
func (b *ruleBook) repeats(hash uint64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) >= seenLimit {
		clear(b.seen)
	}
	b.seen[hash]++
	return b.seen[hash]
}
