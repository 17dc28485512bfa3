package dspooltest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dspool/dspool/dspooltest/internal/answer"
)

// PracticeLM is an OpenAI-compatible server for tests. It is an http.Handler
// that serves
//
//	POST /v1/chat/completions   also with stream, tools, response_format and n
//	POST /v1/completions        the older form, for model_type "text"
//	GET  /v1/models
//	GET  /practice/stats        [PracticeStats] as JSON
//
// and, after Start, a server of its own. All methods are safe for concurrent
// use. An answer costs about 20 µs beside net/http, and waiting requests
// cost no more than their connection.
type PracticeLM struct {
	config  PracticeConfig
	prompts promptCache
	limiter limiter
	counts  counts
	rules   ruleBook
	mux     *http.ServeMux

	mu       sync.Mutex
	server   *http.Server
	listener net.Listener
	served   chan struct{}
}

// NewPracticeLM returns a PracticeLM that serves requests given to ServeHTTP. It listens
// nowhere before [PracticeLM.Start].
func NewPracticeLM(config PracticeConfig) *PracticeLM {
	p := &PracticeLM{config: config, mux: http.NewServeMux()}
	p.prompts.entries = map[string]*answer.Prompt{}
	p.limiter = limiter{limit: config.Limit, windows: map[string]*window{}}
	p.rules = ruleBook{rules: config.Rules, spent: make([]int, len(config.Rules)), seen: map[uint64]int{}}
	p.counts = newCounts()
	for _, root := range []string{"", "/v1"} {
		p.mux.HandleFunc("POST "+root+"/chat/completions", p.serveChat)
		p.mux.HandleFunc("POST "+root+"/completions", p.serveChat)
		p.mux.HandleFunc("GET "+root+"/models", p.serveModels)
		p.mux.HandleFunc("GET "+root+"/models/{model}", p.serveModel)
	}
	p.mux.HandleFunc("GET /practice/stats", p.serveStats)
	p.mux.HandleFunc("/", serveUnknown)
	return p
}

// ServeHTTP answers one request.
func (p *PracticeLM) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Start listens on the configured address and serves until Close. It returns
// once connections are accepted.
func (p *PracticeLM) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return errors.New("the practice LM has been started before")
	}
	addr := p.config.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	p.listener, p.served = listener, make(chan struct{})
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 30 * time.Second}
	go func(server *http.Server) {
		defer close(p.served)
		_ = server.Serve(listener) // always ErrServerClosed after Close
	}(p.server)
	return nil
}

// URL returns the base URL to configure clients with, for example
// "http://127.0.0.1:40123/v1", or "" before Start.
func (p *PracticeLM) URL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return ""
	}
	return "http://" + p.listener.Addr().String() + "/v1"
}

// Close stops the server, cuts what is in flight and waits until nothing runs
// any more. It may be called more than once and before Start.
func (p *PracticeLM) Close() error {
	p.mu.Lock()
	server, served := p.server, p.served
	p.mu.Unlock()
	if server == nil {
		return nil
	}
	err := server.Close()
	<-served
	p.counts.idle()
	return err
}

func serveUnknown(w http.ResponseWriter, r *http.Request) {
	writeError(w, http.StatusNotFound, "invalid_request_error", "", "Unknown request URL: "+r.Method+" "+r.URL.Path)
}

func (p *PracticeLM) models() []string {
	if len(p.config.Models) == 0 {
		return []string{"practice"}
	}
	return p.config.Models
}

func (p *PracticeLM) serveModels(w http.ResponseWriter, _ *http.Request) {
	b := []byte(`{"object":"list","data":[`)
	for i, name := range p.models() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendModel(b, name)
	}
	writeBody(w, append(b, "]}"...))
}

func (p *PracticeLM) serveModel(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(r.PathValue("model"), "?")
	writeBody(w, appendModel(nil, name))
}

func appendModel(b []byte, name string) []byte {
	b = append(b, `{"id":`...)
	b = answer.AppendString(b, name)
	return append(b, `,"object":"model","created":1700000000,"owned_by":"dspool"}`...)
}

// promptCache keeps the prompts that were read, by their text: a program sends the
// same system message with every call.
type promptCache struct {
	mu      sync.RWMutex
	entries map[string]*answer.Prompt
}

// promptCacheSize bounds the cache; when it is full, it starts anew.
const promptCacheSize = 512

func (c *promptCache) read(system string) *answer.Prompt {
	c.mu.RLock()
	p := c.entries[system]
	c.mu.RUnlock()
	if p != nil {
		return p
	}
	p = answer.Read(system)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= promptCacheSize {
		clear(c.entries)
	}
	c.entries[system] = p
	return p
}
