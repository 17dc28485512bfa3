package lm_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

func TestARequestThatStandsInForAnotherIsToldAndCounted(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"usage":{"prompt_tokens":3,"completion_tokens":2}}`)
	}, nil)
	if err := e.Add("first", lm.Model{Name: "openai/first", Base: url}); err != nil {
		t.Fatal(err)
	}
	var told []lm.Use
	for _, left := range []string{"", "first", "forgotten"} {
		req := request(url)
		req.Tenant, req.Told = "t", func(u lm.Use) { told = append(told, u) }
		if left != "" {
			req.Instead = &lm.Instead{ID: left, Code: fault.LMTimeout}
		}
		if _, _, err := ask(t, e, req); err != nil {
			t.Fatal(err)
		}
		if req.Instead != nil && req.Instead.Model != "" {
			t.Error("the request was written to")
		}
	}
	for i, want := range []*lm.Instead{nil, {ID: "first", Model: "openai/first", Code: fault.LMTimeout}, {ID: "forgotten", Model: "(unknown)", Code: fault.LMTimeout}} {
		if !reflect.DeepEqual(told[i].Instead, want) || told[i].Model != "openai/m" {
			t.Errorf("use %d: %+v", i, told[i])
		}
	}
	totals := map[string]lm.Total{}
	for _, sum := range e.Totals() {
		totals[sum.Model] = sum
	}
	if got := totals["openai/first"]; got.FailedOver != 1 || got.Requests != 0 || got.Tenant != "t" {
		t.Errorf("the one that was left: %+v", got)
	}
	if got := totals["openai/m"]; got.FailedOver != 0 || got.Requests != 3 || got.Usage.Input != 9 {
		t.Errorf("the one that answered: %+v", got)
	}
}

func TestLoadsTellWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }, nil)
	if err := e.Add("again", lm.Model{Name: "openai/m", Base: url}); err != nil {
		t.Fatal(err)
	}
	if err := e.Add("a", lm.Model{Name: "openai/a", Base: url}); err != nil {
		t.Fatal(err)
	}
	want := func(sending int64) {
		t.Helper()
		if got := e.Loads(); !reflect.DeepEqual(got, []lm.Load{{Model: "openai/a"}, {Model: "openai/m", InFlight: sending}}) {
			t.Errorf("loads %+v, want %d in flight", got, sending)
		}
	}
	var open []*lm.Response
	for _, id := range []string{"m", "m", "again"} {
		resp, err := e.Exchange(testkit.Context(t, patience), id, request(url))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
	}
	want(3)
	for _, resp := range open {
		_, _ = resp.Body.Close(), resp.Body.Close()
	}
	want(0)
}

// A provider that repeats the key in its refusal does not tell it to workers.
func TestARefusalThatRepeatsTheKeyIsRedacted(t *testing.T) {
	t.Parallel()
	e, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-ID", "for "+theKey)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"error":{"message":"Incorrect API key: %s"}}`, r.Header.Get("Authorization"))
	}, nil)
	resp, body, err := ask(t, e, request(url))
	if err != nil || resp.Status != http.StatusUnauthorized {
		t.Fatalf("%+v, %v", resp, err)
	}
	if strings.Contains(body+fmt.Sprint(resp.Header), theKey) || !strings.Contains(body, "Incorrect API key: Bearer [redacted]") {
		t.Errorf("the worker would see %s %v", body, resp.Header)
	}
}
