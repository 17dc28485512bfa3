package lm_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

const (
	patience = 20 * time.Second
	theKey   = "sk-the-real-key"
)

// serve starts a provider that ends with the test, and an egress with one
// model, "m", which is there.
func serve(t *testing.T, handler http.HandlerFunc, change func(*lm.Model)) (*lm.Egress, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return connect(t, server.URL+"/v1", change), server.URL + "/v1"
}

func connect(t *testing.T, base string, change func(*lm.Model)) *lm.Egress {
	t.Helper()
	e, err := lm.New(lm.Config{Network: lm.Network{Proxy: "off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	m := lm.Model{
		Name: "openai/m", Base: base, Retry: lm.Retry{Max: -1},
		Key: func(context.Context) (string, error) { return theKey, nil },
	}
	if change != nil {
		change(&m)
	}
	if err := e.Add("m", m); err != nil {
		t.Fatal(err)
	}
	return e
}

func request(url string) *lm.Request {
	return &lm.Request{
		Method: http.MethodPost, URL: url + "/chat/completions", Body: []byte(`{"q":1}`),
		Header: []lm.Field{{"Authorization", "Bearer " + lm.KeyMark}, {"Content-Type", "application/json"}, {"Accept-Encoding", "identity"}},
	}
}

// ask sends a request and reads the whole answer.
func ask(t *testing.T, e *lm.Egress, req *lm.Request) (*lm.Response, string, error) {
	t.Helper()
	resp, err := e.Exchange(testkit.Context(t, patience), "m", req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp, string(raw), err
}

func TestTheKeyIsPutInAndTheAnswerComesBack(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Ratelimit-Remaining", "5")
		_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Header.Get("Authorization"), r.URL.Path, r.URL.RawQuery, body)
	}, nil)
	req := request(url)
	req.URL += "?key=" + lm.KeyMark
	resp, body, err := ask(t, e, req)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Bearer " + theKey + " /v1/chat/completions key=" + theKey + ` {"q":1}`; body != want {
		t.Errorf("the provider saw %s, want %s", body, want)
	}
	if resp.Status != 200 || len(resp.Header) != 1 || resp.Header[0] != (lm.Field{"content-type", "application/json"}) || resp.Attempts != 1 {
		t.Errorf("response %+v", resp)
	}
}

func TestAModelWithoutAKeySendsNone(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, there := r.Header["Authorization"]
		_, _ = fmt.Fprint(w, there)
	}, func(m *lm.Model) { m.Key = nil })
	if _, body, err := ask(t, e, request(url)); err != nil || body != "false" {
		t.Errorf("%s, %v", body, err)
	}
}

func TestNothingIsSentElsewhere(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	count := func(http.ResponseWriter, *http.Request) { seen.Add(1) }
	e, url := serve(t, count, nil)
	elsewhere := httptest.NewServer(http.HandlerFunc(count))
	defer elsewhere.Close()
	host := strings.TrimPrefix(strings.TrimSuffix(url, "/v1"), "http://")
	for _, to := range []string{
		elsewhere.URL + "/v1/chat/completions", "http://" + host + "/v2/chat", "http://" + host + "/v1evil", "http://" + host + "/v1/../admin",
		"http://" + host + "/v1/%2e%2e/admin", "http://" + host + "/v1/a%2Fb", "http://user@" + host + "/v1/x", "https://" + host + "/v1/x",
		"file:///etc/passwd", "http://" + host + "@evil.example/v1/x", "%zz", "",
	} {
		req := request(url)
		req.URL = to
		if _, _, err := ask(t, e, req); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%s: %v, want invalid_argument", to, err)
		}
	}
	if seen.Load() != 0 {
		t.Errorf("%d requests were sent", seen.Load())
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://evil.example/v1", http.StatusTemporaryRedirect)
	}, nil)
	_, _, err := ask(t, e, request(url))
	if fault.CodeOf(err) != fault.LMTransport || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("%v", err)
	}
}

func TestAnUnknownModelIsRefused(t *testing.T) {
	t.Parallel()
	e := connect(t, "http://127.0.0.1:1/v1", nil)
	if _, err := e.Exchange(t.Context(), "other", request("http://127.0.0.1:1/v1")); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("%v", err)
	}
}

func TestAModelWithoutAnAddressIsRefused(t *testing.T) {
	t.Parallel()
	e := connect(t, "http://h/v1", nil)
	for _, m := range []lm.Model{{Name: "azure/d"}, {Name: "openai/m", Base: "ftp://h"}, {Name: "openai/m", Base: "http://"}} {
		if err := e.Add("x", m); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestFailuresAreTyped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler http.HandlerFunc
		change  func(*lm.Model)
		base    string
		code    fault.Code
		says    string
	}{
		"refused":      {base: "http://127.0.0.1:1/v1", code: fault.LMTransport, says: "cannot be reached"},
		"no such host": {base: "http://no-such-host.invalid/v1", code: fault.LMTransport, says: "cannot be found"},
		"cut off": {handler: func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
		}, code: fault.LMTransport, says: "cannot be reached"},
		"lying length": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("short"))
		}, code: fault.LMTransport, says: "before it was whole"},
		"too large": {handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 2000))
		}, change: func(m *lm.Model) { m.BodyLimit = 1000 }, code: fault.LMTransport, says: "larger than 1000 bytes"},
		"slow": {handler: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, change: func(m *lm.Model) { m.Timeout = time.Millisecond }, code: fault.LMTimeout, says: "did not answer within 1ms"},
		"no key": {handler: func(http.ResponseWriter, *http.Request) {}, change: func(m *lm.Model) {
			m.Key = func(context.Context) (string, error) { return "", errors.New("the vault is sealed") }
		}, code: fault.LMNotConfigured, says: "the vault is sealed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e *lm.Egress
			if tt.handler != nil {
				e, tt.base = serve(t, tt.handler, tt.change)
			} else {
				e = connect(t, tt.base, tt.change)
			}
			_, _, err := ask(t, e, request(tt.base))
			if fault.CodeOf(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%v, want %s saying %q", err, tt.code, tt.says)
			}
			if strings.Contains(fmt.Sprint(err), theKey) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

// A caller who leaves closes the provider's connection, before the answer and
// in the middle of it.
func TestCancellingClosesTheConnection(t *testing.T) {
	t.Parallel()
	for _, flush := range []bool{false, true} {
		gone, asked := make(chan struct{}), make(chan struct{})
		e, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if flush {
				_, _ = w.Write([]byte("data: 1\n\n"))
				_ = http.NewResponseController(w).Flush()
			}
			close(asked)
			<-r.Context().Done()
			close(gone)
		}, nil)
		ctx, cancel := context.WithCancel(testkit.Context(t, patience))
		go func() {
			<-asked
			if !flush {
				cancel()
			}
		}()
		resp, err := e.Exchange(ctx, "m", request(url))
		if flush {
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			if n, err := resp.Body.Read(buf); err != nil || string(buf[:n]) != "data: 1\n\n" {
				t.Fatalf("%q, %v", buf[:n], err)
			}
			cancel()
			_, err = resp.Body.Read(buf)
			_ = resp.Body.Close()
			if fault.CodeOf(err) != fault.Canceled {
				t.Errorf("read after the end: %v", err)
			}
		} else if fault.CodeOf(err) != fault.Canceled {
			t.Errorf("got %v", err)
		}
		select {
		case <-gone:
		case <-testkit.Context(t, patience).Done():
			t.Fatal("the provider's connection stays open")
		}
		cancel()
	}
}

func TestTheDeadlineEndsARequest(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := e.Exchange(ctx, "m", request(url)); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("%v", err)
	}
}

func TestAProxyIsUsed(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String())
		_, _ = w.Write([]byte("by proxy"))
	}))
	defer proxy.Close()
	e, err := lm.New(lm.Config{Network: lm.Network{Proxy: proxy.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Add("m", lm.Model{Name: "openai/m", Base: "http://provider.invalid/v1"}); err != nil {
		t.Fatal(err)
	}
	_, body, err := ask(t, e, request("http://provider.invalid/v1"))
	if err != nil || body != "by proxy" || asked.Load() != "http://provider.invalid/v1/chat/completions" {
		t.Errorf("%q, %v, %v", body, err, asked.Load())
	}
}

func TestHTTP2AndACertificateOfOnesOwn(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	for file, want := range map[string]string{"": "", writeCertificate(t, server): "HTTP/2.0"} {
		e, err := lm.New(lm.Config{Network: lm.Network{Proxy: "off", CAFile: file}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Add("m", lm.Model{Name: "openai/m", Base: server.URL, Retry: lm.Retry{Max: -1}}); err != nil {
			t.Fatal(err)
		}
		_, body, err := ask(t, e, request(server.URL))
		if body != want || (err == nil) != (want != "") {
			t.Errorf("with the file %q: %q, %v", file, body, err)
		}
		e.Close()
	}
}

func TestABadNetworkIsRefusedEarly(t *testing.T) {
	t.Parallel()
	for _, n := range []lm.Network{{Proxy: "::"}, {Proxy: "nohost"}, {CAFile: "/does/not/exist"}, {CAFile: "egress_test.go"}} {
		if _, err := lm.New(lm.Config{Network: n}); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

// writeCertificate puts a server's certificate into a file.
func writeCertificate(t *testing.T, server *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
