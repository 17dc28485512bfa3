package dspool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/lm"
)

const (
	// lmMethod is the host call with which a worker asks a language model.
	lmMethod = "lm"
	// pieceSize is the most bytes of a streamed answer that travel in one
	// frame.
	pieceSize = 32 << 10
)

// An errand is what the host has to know of a call when its worker asks a
// language model on its behalf.
type errand struct {
	program, tenant string
	rules           *tenantRules // nil without a tenant
	deadline        time.Time

	mu        sync.Mutex
	used      Usage
	cost      lm.Cost
	hits      int
	failovers int
	some      bool
}

// owner returns the errand of a task, which all its attempts share; nil if no
// language model is named.
func (t *task) owner() any {
	if t.lm == "" {
		return nil
	}
	if t.errand == nil {
		t.errand = &errand{program: t.req.Program.String(), tenant: t.req.Tenant, rules: t.rules(), deadline: t.ask.Deadline, cost: lm.Cost{Known: true}}
	}
	return t.errand
}

// told counts what one request to a language model has used.
func (e *errand) told(u lm.Use) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.some = true
	if u.Instead != nil {
		e.failovers++
	}
	e.cost = e.cost.Add(u.Cost)
	if u.Cached || u.Shared {
		e.hits++
		return
	}
	if u.Usage.Zero() {
		return
	}
	if e.used == nil {
		e.used = Usage{}
	}
	sum := e.used[u.Model]
	sum.Prompt += u.Usage.Input
	sum.Completion += u.Usage.Output
	sum.Total += u.Usage.Input + u.Usage.Output
	e.used[u.Model] = sum
}

// account puts what the call has used into its response: the host's own count,
// if it has asked the language model.
func (e *errand) account(resp *Response) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.some {
		return // an LM that workers ask themselves: DSPy has counted
	}
	resp.Usage, resp.Cost, resp.CacheHits, resp.Failovers = maps.Clone(e.used), e.cost, e.hits, e.failovers
}

// hostCall serves what workers ask of the host.
func (p *Pool) hostCall(ctx context.Context, req *mux.HostRequest) (mux.HostReply, error) {
	if req.Method != lmMethod {
		return mux.HostReply{}, fault.Newf(fault.Unsupported, "the host has no method %q", req.Method)
	}
	e, ok := req.Owner.(*errand)
	if !ok {
		return mux.HostReply{}, fault.New(fault.InvalidArgument,
			"a language model can be asked only while a call runs that names one: set Config.LM, or name one in the request")
	}
	if !e.deadline.IsZero() {
		bounded, cancel := context.WithDeadline(ctx, e.deadline)
		defer cancel()
		ctx = bounded
	}
	id, ask, err := readAsk(req, e)
	if err != nil {
		return mux.HostReply{}, err
	}
	if !p.lms.reaches(e.rules, id) {
		return mux.HostReply{}, fault.New(fault.InvalidArgument,
			"a call asked for a language model that its tenant does not have: use the one that dspy.settings.lm is while the call runs")
	}
	if ask.Instead != nil {
		ask.Told = p.switched(e)
	}
	resp, err := p.egress.Exchange(ctx, id, ask)
	if err != nil {
		return mux.HostReply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if ask.Stream {
		return mux.HostReply{}, pass(ctx, req, resp)
	}
	body, err := io.ReadAll(resp.Body)
	return mux.HostReply{Extra: head(resp), Body: body, Raw: true}, err
}

// switched counts a request to a language model that stands in for another one,
// and tells of it.
func (p *Pool) switched(e *errand) func(lm.Use) {
	return func(u lm.Use) {
		e.told(u)
		if p.events.Heard() {
			p.publish(PoolEvent{Kind: LMSwitched, Tenant: e.tenant, Program: e.program, Layer: u.Instead.Model, Next: u.Model, Code: u.Instead.Code})
		}
	}
}

// readAsk reads a worker's request.
func readAsk(req *mux.HostRequest, e *errand) (id string, ask *lm.Request, err error) {
	ask = &lm.Request{Body: req.Body, Stream: req.Streams(), Program: e.program, Tenant: e.tenant, Told: e.told}
	var left [2]string
	parts := []any{&id, &ask.Method, &ask.URL, &ask.Header, &ask.Rollout, &left}
	if err := json.Unmarshal(req.Extra, &parts); err != nil {
		return "", nil, fault.Wrap(fault.Protocol, err, "a worker's request to a language model cannot be read")
	}
	if left[0] != "" {
		ask.Instead = &lm.Instead{ID: left[0], Code: fault.Code(left[1])}
	}
	return id, ask, nil
}

// head is the response's status and header as the worker reads them.
func head(resp *lm.Response) []byte {
	raw, err := json.Marshal([]any{resp.Status, resp.Header})
	if err != nil {
		return nil // numbers and strings can always be written
	}
	return raw
}

// pass hands a response on as it comes.
func pass(ctx context.Context, req *mux.HostRequest, resp *lm.Response) error {
	if err := req.Send(ctx, mux.HostReply{Extra: head(resp), Raw: true}); err != nil {
		return err
	}
	buf := make([]byte, pieceSize)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 { // most pieces are a token: each is copied to its own size, for as long as it waits to be written
			if err := req.Send(ctx, mux.HostReply{Body: bytes.Clone(buf[:n]), Raw: true}); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
