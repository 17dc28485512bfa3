package adapter_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
)

// CHK-83, CHK-84, CHK-85
func TestRequestsAreDecoded(t *testing.T) {
	t.Parallel()
	r, err := adapter.DecodeRequest([]byte(`{"id":7,"command":"ping","args":{"a":1},"timestamp":"2025-07-14T00:00:00Z"}`))
	if err != nil || r.ID != 7 || r.Command != "ping" || string(r.Args) != `{"a":1}` || r.Timestamp == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := adapter.DecodeRequest([]byte(`{"id":0,"command":"ping"}`)); err != nil || string(r.Args) != "{}" {
		t.Errorf("without args: %+v, %v", r, err)
	}
	for raw, want := range map[string]adapter.MessageError{
		"": adapter.ErrDecode, "[": adapter.ErrDecode, "{": adapter.ErrDecode, "undefined": adapter.ErrDecode,
		"\x00\x01\x02\x03": adapter.ErrDecode, "null": adapter.ErrDecode, "[]": adapter.ErrDecode, "7": adapter.ErrDecode,
		`{}`: adapter.ErrMissingID, `{"id":null,"command":"x"}`: adapter.ErrMissingID,
		`{"id":-1,"command":"x"}`: adapter.ErrInvalidID, `{"id":1.5,"command":"x"}`: adapter.ErrInvalidID, `{"id":"1","command":"x"}`: adapter.ErrInvalidID,
		`{"id":1}`: adapter.ErrMissingCommand, `{"id":1,"command":7}`: adapter.ErrInvalidCommand, `{"id":1,"command":""}`: adapter.ErrInvalidCommand,
		`{"id":1,"command":"x","args":[]}`: adapter.ErrInvalidArgs,
	} {
		_, err := adapter.DecodeRequest([]byte(raw))
		if !errors.Is(err, want) || fault.CodeOf(err) != fault.Protocol {
			t.Errorf("%q: %v, want %s", raw, err, want)
		}
	}
	_, err = adapter.DecodeRequest([]byte(strings.Repeat("x", 5000)))
	if n := len(err.Error()); n > 400 {
		t.Errorf("the preview has %d bytes", n)
	}
}

// CHK-84, CHK-85
func TestResponsesAreDecoded(t *testing.T) {
	t.Parallel()
	r, err := adapter.DecodeResponse([]byte(`{"id":3,"success":true,"result":{"a":1},"timestamp":"t"}`))
	if err != nil || *r.ID != 3 || !r.Success || string(r.Result) != `{"a":1}` {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = adapter.DecodeResponse([]byte(`{"id":3,"success":false,"error":"no"}`))
	if err != nil || r.Success || r.Error != "no" {
		t.Errorf("%+v, %v", r, err)
	}
	for raw, want := range map[string]adapter.MessageError{
		`{"id":1}`: adapter.ErrMissingSuccess, `{"id":1,"success":"yes"}`: adapter.ErrInvalidSuccess, `{"id":1,"success":true}`: adapter.ErrMissingResult,
		`{"id":1,"success":false}`: adapter.ErrMissingError, `{"id":1,"success":false,"error":7}`: adapter.ErrMissingError,
	} {
		if err := adapter.ValidateResponse([]byte(raw)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
		r, err := adapter.DecodeResponse([]byte(raw))
		if err != nil || *r.ID != 1 || r.Success || r.Error != "Malformed response structure" {
			t.Errorf("%s: %+v, %v", raw, r, err)
		}
	}
	if _, err := adapter.DecodeResponse([]byte(`{"success":true}`)); !errors.Is(err, adapter.ErrMalformedResponse) {
		t.Errorf("without an id: %v", err)
	}
	if err := adapter.ValidateResponse([]byte(`{"id":"x","success":true,"result":1}`)); !errors.Is(err, adapter.ErrInvalidID) {
		t.Error(err)
	}
}

// CHK-86
func TestMessagesAreMade(t *testing.T) {
	t.Parallel()
	ok, err := json.Marshal(adapter.Succeeded(4, json.RawMessage(`{"a":1}`)))
	if err != nil || adapter.ValidateResponse(ok) != nil {
		t.Errorf("%s, %v", ok, err)
	}
	failed := adapter.Failed(5, fault.New(fault.Unsupported, "Unknown command: x"))
	raw, err := json.Marshal(failed)
	if err != nil || adapter.ValidateResponse(raw) != nil || failed.Error != "Unknown command: x" {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := time.Parse(time.RFC3339, failed.Timestamp); err != nil {
		t.Error(err)
	}
	for raw, want := range map[string]bool{`{"id":4}`: true, `{"id":-4}`: false, `{}`: false, `nonsense`: false} {
		if id, ok := adapter.RequestID([]byte(raw)); ok != want || ok && id != 4 {
			t.Errorf("%s: %d, %v", raw, id, ok)
		}
	}
	var ids adapter.IDs
	if a, b := ids.Next(), ids.Next(); a != 1 || b != 2 {
		t.Errorf("ids %d, %d", a, b)
	}
}

// CHK-60, CHK-95: whatever comes, there is one answer, and the next request is
// served.
func handleEverything(t *testing.T, tr tier, a *adapter.Local) {
	c := adapter.NewCommands(tr.fresh(t, a))
	for raw, want := range map[string]string{
		`{"id":1,"command":"ping"}`:            `"success":true`,
		`{"id":2,"command":"invalid_command"}`: `"error":"Unknown command: invalid_command"`,
		`{"id":3}`:                             `"id":3,"success":false`,
		`garbage`:                              `"id":null,"success":false`,
		`{"id":4,"command":"list_programs"}`:   `"programs":[]`,
	} {
		for range 2 {
			if got := string(c.Handle(bounded(t), []byte(raw))); !strings.Contains(got, want) || adapter.ValidateResponse([]byte(got)) != nil && !strings.Contains(got, `"id":null`) {
				t.Errorf("%s: %s, want %s", raw, got, want)
			}
		}
	}
	if got := run(t, c, "get_stats", ""); got["command_count"] != 11.0 || got["error_count"] != 6.0 {
		t.Errorf("counted %v errors of %v commands", got["error_count"], got["command_count"])
	}
}

func FuzzHandle(f *testing.F) {
	for _, seed := range []string{
		"", "[", "{", "undefined", "\x00\x01\x02\x03", `{"id":1,"command":"ping"}`, `{"id":1,"command":"create_program","args":{"signature":"a -> b"}}`,
		`{"id":1,"command":"execute_program","args":{"program_id":"p","inputs":{"a":1}}}`, `{"id":1e400,"command":"get_stats"}`,
		`{"id":1,"command":"configure_lm","args":{"model":"m","extra":{"a":[]}}}`, `{"id":1,"command":"cleanup_session","args":{"session_id":"\ud800"}}`,
		`{"id":1,"command":"create_program","args":{"signature":{"inputs":[{"name":"a","type":["list",["list"]]}],"outputs":[{}]}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := adapter.NewCommands(over(t, adapter.Mock))
		var r adapter.Response
		if err := json.Unmarshal(c.Handle(t.Context(), raw), &r); err != nil || r.Timestamp == "" {
			t.Errorf("answered %+v, %v", r, err)
		}
		_, _ = adapter.DecodeResponse(raw)
		_ = adapter.ValidateResponse(raw)
	})
}
