package lm_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

// trusting returns an egress that trusts a server, with the model "m" there.
func trusting(t *testing.T, n lm.Network, server *httptest.Server, base string) *lm.Egress {
	t.Helper()
	if server != nil {
		n.CAFile = writeCertificate(t, server)
	}
	e, err := lm.New(lm.Config{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	key := func(context.Context) (string, error) { return theKey, nil }
	if err := e.Add("m", lm.Model{Name: "openai/m", Base: base, Key: key, Retry: lm.Retry{Max: -1}}); err != nil {
		t.Fatal(err)
	}
	return e
}

// A proxy for HTTPS sees the address and nothing else: neither key nor question.
func TestAnHTTPSProxyOnlyConnects(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	var seen atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(fmt.Sprint(r.Method, " ", r.Host, " ", r.Header))
		tunnel(w, r)
	}))
	defer proxy.Close()
	e := trusting(t, lm.Network{Proxy: proxy.URL}, server, server.URL)
	_, body, err := ask(t, e, request(server.URL))
	if err != nil || body != "Bearer "+theKey {
		t.Fatalf("%q, %v", body, err)
	}
	told, _ := seen.Load().(string)
	if host := strings.TrimPrefix(server.URL, "https://"); !strings.HasPrefix(told, "CONNECT "+host) || strings.Contains(told, theKey) {
		t.Errorf("the proxy saw %q", told)
	}
}

// tunnel joins a proxy's client and the server it wants.
func tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = there.Close() }()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = here.Close() }()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}

func TestAProxyThatRefusesIsNamed(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	e := trusting(t, lm.Network{Proxy: proxy.URL}, nil, "https://provider.invalid/v1")
	if _, _, err := ask(t, e, request("https://provider.invalid/v1")); fault.CodeOf(err) != fault.LMTransport || !strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("%v", err)
	}
}

// Who leaves ends a stream of HTTP/2, and nobody else's on the same connection.
func TestLeavingOverHTTP2EndsOneStreamOnly(t *testing.T) {
	t.Parallel()
	asked, gone, answer := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("q") {
		case "leave":
			asked <- struct{}{}
			<-r.Context().Done()
			close(gone)
		case "stay":
			asked <- struct{}{}
			<-answer
		}
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	e := trusting(t, lm.Network{Proxy: "off"}, server, server.URL)
	send := func(ctx context.Context, q string) chan error {
		done := make(chan error, 1)
		go func() {
			req := request(server.URL)
			req.URL += "?q=" + q
			status, body, err := exchange(ctx, e, "m", req)
			if err == nil && (status != 200 || body != "HTTP/2.0") {
				err = fmt.Errorf("%d, %q", status, body)
			}
			done <- err
		}()
		return done
	}
	ctx := testkit.Context(t, patience)
	if err := <-send(ctx, "first"); err != nil { // one connection for all that comes
		t.Fatal(err)
	}
	leaving, cancel := context.WithCancel(ctx)
	defer cancel()
	left, stays := send(leaving, "leave"), send(ctx, "stay")
	<-asked
	<-asked
	cancel()
	if err := <-left; fault.CodeOf(err) != fault.Canceled {
		t.Errorf("who left got %v", err)
	}
	select {
	case <-gone:
	case <-ctx.Done():
		t.Fatal("the provider was not told")
	}
	close(answer)
	if err := <-stays; err != nil {
		t.Errorf("who stayed got %v", err)
	}
	if err := <-send(ctx, "last"); err != nil {
		t.Error(err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestFailuresOfTLSAreTyped(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "https://"))
	for name, tt := range map[string]struct {
		trusted *httptest.Server
		base    string
		says    string
	}{
		"nobody vouches for it":       {nil, server.URL, "certificate"},
		"the name is another":         {server, "https://localhost:" + port, "certificate"},
		"it does not speak TLS":       {server, "https" + strings.TrimPrefix(plain.URL, "http"), "HTTP response to HTTPS"},
		"it speaks TLS, not asked so": {server, "http" + strings.TrimPrefix(server.URL, "https"), ""},
	} {
		e := trusting(t, lm.Network{Proxy: "off"}, tt.trusted, tt.base)
		resp, _, err := ask(t, e, request(tt.base))
		if tt.says == "" {
			if err != nil || resp.Status != http.StatusBadRequest { // as Go's servers answer
				t.Errorf("%s: %+v, %v", name, resp, err)
			}
			continue
		}
		if fault.CodeOf(err) != fault.LMTransport || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

// Keys are exchanged while requests are made: each carries a key that was valid
// when it was sent, and the new one comes into use.
func TestAKeyIsExchangedUnderLoad(t *testing.T) {
	t.Parallel()
	var current atomic.Int64
	e, url := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) },
		func(m *lm.Model) {
			m.Key = func(context.Context) (string, error) { return fmt.Sprint("key-", current.Load()), nil }
		})
	done := make(chan error, 8)
	for range 8 {
		go func() {
			last := int64(0)
			for range 50 {
				before := current.Add(1)
				_, body, err := exchange(t.Context(), e, "m", request(url))
				var used int64
				if _, scan := fmt.Sscanf(body, "Bearer key-%d", &used); err != nil || scan != nil || used < before || used < last {
					done <- fmt.Errorf("%q after key %d: %w", body, before, err)
					return
				}
				last = used
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
