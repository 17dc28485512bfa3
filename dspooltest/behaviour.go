package dspooltest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dspool/dspool/dspooltest/internal/answer"
)

// ParseBehaviour changes base by a text such as
//
//	latency=50ms-150ms&fail=429&retry_after=2s
//
// which is also what a model name carries after a question mark, and the
// header X-Practice. The keys are latency, chunk_delay, fail, error_rate, first,
// retry_after, malformed and content, and field.NAME for the JSON value of one field.
func ParseBehaviour(base Behaviour, text string) (Behaviour, error) {
	options, err := url.ParseQuery(text)
	if err != nil {
		return base, fmt.Errorf("options %q: %w", text, err)
	}
	for key, values := range options {
		if err := base.set(key, values[len(values)-1]); err != nil {
			return base, fmt.Errorf("option %s=%s: %w", key, values[len(values)-1], err)
		}
	}
	return base, nil
}

func (b *Behaviour) set(key, v string) (err error) {
	switch key {
	case "latency":
		b.Latency, b.LatencyMax, err = span(v)
	case "chunk_delay":
		b.ChunkDelay, err = time.ParseDuration(v)
	case "fail":
		b.Fail, err = failure(v)
	case "error_rate":
		b.ErrorRate, err = rate(v)
	case "first":
		b.First, err = strconv.Atoi(v)
	case "retry_after":
		b.RetryAfter, err = time.ParseDuration(v)
	case "malformed":
		b.Malformed, err = malformation(v)
	case "content":
		b.Content = v
	default:
		return b.setField(key, v)
	}
	return err
}

func (b *Behaviour) setField(key, v string) error {
	name, ok := strings.CutPrefix(key, "field.")
	if !ok {
		return fmt.Errorf("unknown; use latency, chunk_delay, fail, error_rate, first, retry_after, malformed, content or field.NAME")
	}
	fields := map[string]json.RawMessage{name: json.RawMessage(v)}
	for k, old := range b.Fields {
		if k != name {
			fields[k] = old
		}
	}
	b.Fields = fields
	return nil
}

// span reads "100ms" or "50ms-150ms".
func span(v string) (low, high time.Duration, err error) {
	first, second, both := strings.Cut(v, "-")
	if low, err = time.ParseDuration(first); err != nil || !both {
		return low, 0, err
	}
	high, err = time.ParseDuration(second)
	return low, high, err
}

func rate(v string) (float64, error) {
	f, err := strconv.ParseFloat(v, 64)
	if err == nil && (f < 0 || f > 1) {
		return 0, fmt.Errorf("must be between 0 and 1")
	}
	return f, err
}

func failure(v string) (Failure, error) {
	switch f := Failure(v); f {
	case failureNone, FailContextLength, FailQuota, FailReset, FailHang:
		return f, nil
	default:
		if status, err := strconv.Atoi(v); err == nil && status >= 400 && status <= 599 {
			return f, nil
		}
		return "", fmt.Errorf("must be a status from 400 to 599, context_length, quota, reset or hang")
	}
}

func malformation(v string) (Malformation, error) {
	switch m := Malformation(v); m {
	case "", BadJSON, EmptyBody, NoChoices, CutBody, CutStream, Prose, MissingField, WrongType, OutOfRange:
		return m, nil
	default:
		return "", fmt.Errorf("must be bad_json, empty_body, no_choices, cut_body, cut_stream, prose, missing_field, wrong_type or out_of_range")
	}
}

// flaw is what Malformed means for the text of the answer.
func (m Malformation) flaw() answer.Flaw {
	switch m {
	case Prose:
		return answer.Prose
	case MissingField:
		return answer.MissingField
	case WrongType:
		return answer.WrongType
	case OutOfRange:
		return answer.OutOfRange
	default:
		return answer.Sound
	}
}

// wait is the latency of the request with this hash.
func (b *Behaviour) wait(hash uint64) time.Duration {
	if b.LatencyMax <= b.Latency {
		return b.Latency
	}
	return b.Latency + time.Duration(hash%uint64(b.LatencyMax-b.Latency+1))
}
