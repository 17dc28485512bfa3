package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/dspool/dspool/internal/wire"
)

// No decoder recovers from a panic: a panic is what these tests look for.

func goldenFrames(f *testing.F) [][]byte {
	f.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		f.Fatal(err)
	}
	var list []struct{ Frame string }
	if err := json.Unmarshal(raw, &list); err != nil {
		f.Fatal(err)
	}
	var frames [][]byte
	for _, v := range list {
		b, err := hex.DecodeString(v.Frame)
		if err != nil {
			f.Fatal(err)
		}
		frames = append(frames, b)
	}
	return frames
}

// FuzzDecoder feeds any bytes to the frame decoder. What it accepts must give
// the same bytes again, however the bytes arrive, and every message decoder
// must cope with the frames.
func FuzzDecoder(f *testing.F) {
	frames := goldenFrames(f)
	for _, b := range frames {
		f.Add(b)
	}
	f.Add(bytes.Join(frames[:20], nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 16
		whole := decodeAll(wire.NewDecoder(bytes.NewReader(b), limit))
		torn := decodeAll(wire.NewDecoder(iotest.OneByteReader(bytes.NewReader(b)), limit))
		if !reflect.DeepEqual(whole, torn) {
			t.Fatalf("read at once:\n%v\nread byte by byte:\n%v", whole, torn)
		}
		checkRoundTrip(t, b, whole)
	})
}

type seen struct {
	frames []wire.Frame
	faults []string
	end    string
}

func decodeAll(d *wire.Decoder) (s seen) {
	for {
		f, err := d.Next()
		var ferr *wire.FrameError
		switch {
		case err == nil:
			f.Meta = bytes.Clone(f.Meta)
			s.frames = append(s.frames, f)
			_, _, _ = decode(f)
		case errors.As(err, &ferr) && !ferr.Fatal:
			s.faults = append(s.faults, ferr.Error())
		default:
			s.end = err.Error()
			return s
		}
	}
}

// checkRoundTrip holds if nothing was refused: then the frames are the input.
func checkRoundTrip(t *testing.T, b []byte, s seen) {
	t.Helper()
	if len(s.faults) > 0 {
		return
	}
	var again []byte
	for _, f := range s.frames {
		again = wire.Append(again, f)
	}
	if !bytes.HasPrefix(b, again) || (s.end == io.EOF.Error() && len(again) != len(b)) {
		t.Fatalf("encoded again:\n%x\ninput:\n%x", again, b)
	}
}

// FuzzMeta compares the meta scanner with encoding/json: a meta that a decoder
// accepts is JSON, and what it accepts survives encoding and decoding.
func FuzzMeta(f *testing.F) {
	for _, b := range goldenFrames(f) {
		if len(b) > wire.HeaderSize {
			f.Add(b[wire.HeaderSize:])
		}
	}
	f.Add([]byte(`{"p":"a","b":9223372036854775807,"a":[["x",0]]}`))
	f.Add([]byte(`{"u":{"m":{"prompt_tokens":1}},"q":0,"r":-0}`))
	f.Add([]byte(`{"p":"a","k":"s","o":"restore","d":7}`))
	f.Add([]byte(`{"p":"a","w":"acme","k":"s"}`))
	f.Add([]byte(`{"r":1,"t":[["run",-1,1,2,"E",{"a":"b"}],["lm",0,1,2]]}`))
	f.Add([]byte(`{"k":"\ud800","n":1e5,"x":[[[[{}]]]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if call, err := wire.DecodeCallMeta(b); err == nil {
			again, err := wire.DecodeCallMeta(call.Append(nil))
			if err != nil || !reflect.DeepEqual(call, again) {
				t.Fatalf("CALL %q: %+v, again %+v, %v", b, call, again, err)
			}
			mustBeJSON(t, b)
		}
		if result, err := wire.DecodeResultMeta(b); err == nil {
			again, err := wire.DecodeResultMeta(result.Append(nil))
			if err != nil || !reflect.DeepEqual(result, again) {
				t.Fatalf("RESULT %q: %+v, again %+v, %v", b, result, again, err)
			}
			mustBeJSON(t, b)
			checkSpans(t, result.Spans)
		}
		checkPlain(t, b)
	})
}

// checkSpans decodes whatever stands where spans should: it may be refused, and
// what is not has only parents that come first.
func checkSpans(t *testing.T, b []byte) {
	t.Helper()
	spans, err := wire.DecodeSpans(b)
	for i, s := range spans {
		if err != nil || s.Parent >= i || s.Parent < -1 || s.Name == "" || s.Duration < 0 {
			t.Fatalf("spans %q: %d is %+v, error %v", b, i, s, err)
		}
	}
}

// checkPlain runs the decoders of the small metas.
func checkPlain(t *testing.T, b []byte) {
	t.Helper()
	_, event := wire.DecodeEventMeta(b)
	_, failed := wire.DecodeErrorMeta(b)
	_, credit := wire.DecodeCreditMeta(b)
	_, cancel := wire.DecodeCancelMeta(b)
	_, need := wire.DecodeNeedMeta(b)
	_, define := wire.DecodeDefineMeta(b)
	_, pong := wire.DecodePongMeta(b)
	_, goodbye := wire.DecodeGoodbyeMeta(b)
	_, host := wire.DecodeHostCallMeta(b)
	_, answer := wire.DecodeHostAnswerMeta(wire.TypeHostEvent, b)
	_, hostCredit := wire.DecodeHostCreditMeta(b)
	_, release := wire.DecodeReleaseMeta(b)
	none := wire.DecodeNoMeta(wire.TypeDrain, b)
	for _, err := range []error{event, failed, credit, cancel, need, define, pong, goodbye, host, answer, hostCredit, release, none} {
		if err == nil {
			mustBeJSON(t, b)
		} else if none == nil && len(b) > 0 && !json.Valid(b) {
			t.Fatalf("%q was accepted as an object", b)
		}
	}
}

func mustBeJSON(t *testing.T, b []byte) {
	t.Helper()
	if len(b) > 0 && !json.Valid(b) {
		t.Fatalf("%q was accepted and is not JSON", b)
	}
}

// FuzzBody runs the decoders of JSON bodies.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"code":"internal","message":"x","started":"yes","details":{"a":"b"},"retry_after_ms":-5}`))
	f.Add([]byte(`{"version":1,"pid":2,"nonce":"n","features":["a"]}`))
	f.Add([]byte(`{"ev":"exited","pid":7,"code":-1,"signal":9}`))
	f.Add([]byte(`{"ev":"hello","unsafe":["a thread"],"failed":[{"module":"m","error":"e"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = wire.DecodeHello(b)
		_, _ = wire.DecodeZygoteEvent(b)
		x, err := wire.DecodeFault(b)
		if err != nil {
			return
		}
		e := x.Error()
		if e.Code == "" || e.RetryAfter < 0 || !e.Remote {
			t.Fatalf("%q gave %+v", b, e)
		}
		again, err := wire.DecodeFault(wire.FaultOf(e).Append(nil))
		if err != nil || again.Code != x.Code || again.Started != x.Started {
			t.Fatalf("%+v came back as %+v, %v", x, again, err)
		}
	})
}

// FuzzSplit checks that attachments and value make up the whole body.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"n":1}abc`), 2, 1)
	f.Add([]byte(""), 0, 0)
	f.Add([]byte("x"), -1, 1<<31)
	f.Fuzz(func(t *testing.T, body []byte, first, second int) {
		list := []wire.Attachment{{Name: "a", Size: first}, {Name: "b", Size: second}}
		value, parts, err := wire.Split(body, list)
		if err != nil {
			return
		}
		if got := bytes.Join([][]byte{value, parts["a"], parts["b"]}, nil); !bytes.Equal(got, body) {
			t.Fatalf("parts make %q, body is %q", got, body)
		}
		if len(parts["a"]) != first || len(parts["b"]) != second {
			t.Fatalf("parts of %d and %d bytes, want %d and %d", len(parts["a"]), len(parts["b"]), first, second)
		}
	})
}
