package wire

import (
	"encoding/json"
	"math"
	"time"

	"github.com/dspool/dspool/fault"
)

// SpansMax is how many spans a worker may send of one call.
const SpansMax = 128

// spanTimeMax is the largest start and duration in microseconds.
const spanTimeMax = math.MaxInt64 / int64(time.Microsecond)

// A Span is one step of a call in the worker.
type Span struct {
	Name string
	// Parent is the index of an earlier span, -1 for none.
	Parent   int
	Start    time.Time
	Duration time.Duration
	// Err names the exception that ended it, "" for none.
	Err   string
	Attrs map[string]string
}

// DecodeSpans reads the spans of a RESULT or an ERROR. An error means that none
// can be used.
func DecodeSpans(b []byte) ([]Span, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var list [][]json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fault.Wrap(fault.Protocol, err, "spans are not a list of lists")
	}
	if len(list) > SpansMax {
		return nil, fault.Newf(fault.Protocol, "%d spans of one call, the limit is %d", len(list), SpansMax)
	}
	spans := make([]Span, len(list))
	for i, parts := range list {
		if err := spans[i].read(parts, i); err != nil {
			return nil, err
		}
	}
	return spans, nil
}

// read takes the members of the span with index at. Members of a later version
// are ignored.
func (s *Span) read(parts []json.RawMessage, at int) error {
	var start, duration int64
	into := []any{&s.Name, &s.Parent, &start, &duration, &s.Err, &s.Attrs}
	if len(parts) < 4 {
		return fault.Newf(fault.Protocol, "span %d has %d members, it needs 4", at, len(parts))
	}
	for i, part := range parts[:min(len(parts), len(into))] {
		if err := json.Unmarshal(part, into[i]); err != nil {
			return fault.Wrap(fault.Protocol, err, "a span cannot be read")
		}
	}
	sound := s.Name != "" && s.Parent >= -1 && s.Parent < at && start >= 0 && start <= spanTimeMax && duration >= 0 && duration <= spanTimeMax
	if !sound {
		return fault.Newf(fault.Protocol, "span %d is impossible: name %.40q, parent %d, start %d, duration %d", at, s.Name, s.Parent, start, duration)
	}
	s.Start, s.Duration = time.UnixMicro(start), time.Duration(duration)*time.Microsecond
	return nil
}
