package lm

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCountsOfEveryProvider(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		streams bool
		want    Usage
	}{
		"openai": {
			body: `{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`,
			want: Usage{10, 5, 4, 2},
		},
		"openai, streamed": {
			body:    "data: {\"choices\":[{}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n",
			streams: true, want: Usage{Input: 10, Output: 5},
		},
		"responses": {
			body: `{"usage":{"input_tokens":7,"output_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens_details":{"reasoning_tokens":1}}}`,
			want: Usage{7, 3, 1, 1},
		},
		"responses, streamed": {
			body:    "event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}}\r\n\r\n",
			streams: true, want: Usage{Input: 7, Output: 3},
		},
		"anthropic": {
			body: `{"usage":{"input_tokens":3,"cache_read_input_tokens":20,"cache_creation_input_tokens":10,"output_tokens":6}}`,
			want: Usage{Input: 33, Output: 6, Cached: 20},
		},
		"anthropic, streamed": {
			body: "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n" +
				"data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":6}}\n\n",
			streams: true, want: Usage{Input: 3, Output: 6},
		},
		"gemini": {
			body: `{"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":2,"thoughtsTokenCount":4,"cachedContentTokenCount":1}}`,
			want: Usage{8, 6, 1, 4},
		},
		"gemini, streamed": {
			body: "data: {\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":1}}\n\n" +
				"data: {\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":2}}\n\n",
			streams: true, want: Usage{Input: 8, Output: 2},
		},
		"nothing":         {body: `{"choices":[]}`},
		"no JSON":         {body: `<html>usage</html>`},
		"empty":           {},
		"usage of no use": {body: `{"usage":"none"}`},
		"text that talks of it": {
			body: "data: {\"choices\":[{\"delta\":{\"content\":\"usage: 5\"}}]}\n\n", streams: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []Usage
			c := &counting{
				ReadCloser: io.NopCloser(iotest.OneByteReader(strings.NewReader(tt.body))), streams: tt.streams,
				tell: func(u Usage) { got = append(got, u) },
			}
			if raw, err := io.ReadAll(c); err != nil || string(raw) != tt.body {
				t.Errorf("%q, %v", raw, err)
			}
			_ = c.Close()
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("counted %+v, want %+v, once", got, tt.want)
			}
		})
	}
}

func TestAStreamThatIsLeftTellsWhatItHasCounted(t *testing.T) {
	t.Parallel()
	var got Usage
	c := &counting{
		ReadCloser: io.NopCloser(strings.NewReader("data: {\"message\":{\"usage\":{\"input_tokens\":3}}}\n\ndata: {")),
		streams:    true, tell: func(u Usage) { got = u },
	}
	buf := make([]byte, 60)
	_, _ = io.ReadFull(c, buf)
	_ = c.Close()
	if got.Input != 3 {
		t.Errorf("counted %+v", got)
	}
}

func FuzzCounting(f *testing.F) {
	f.Add([]byte("data: {\"usage\":{\"prompt_tokens\":1}}\n"), true)
	f.Add([]byte(`{"usage":{"prompt_tokens":1}}`), false)
	f.Fuzz(func(t *testing.T, body []byte, streams bool) {
		told := 0
		c := &counting{ReadCloser: io.NopCloser(strings.NewReader(string(body))), streams: streams, tell: func(Usage) { told++ }}
		raw, err := io.ReadAll(iotest.HalfReader(c))
		if err != nil || string(raw) != string(body) || told != 1 {
			t.Fatalf("%q, %v, told %d times", raw, err, told)
		}
	})
}
