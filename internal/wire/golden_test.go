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

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// goldenLimit is the frame limit that the vectors are written for.
const goldenLimit = 69632

type vector struct {
	Name  string
	Frame string
	Fill  *struct {
		Byte  string
		Count int
		Tail  string
	}
	Type        string
	Flags       wire.Flags
	ID          uint64
	Meta, Body  *string
	MetaSize    int `json:"meta_size"`
	BodySize    int `json:"body_size"`
	Fields      map[string]any
	Value       *string
	Attachments [][2]string
	Error       *struct {
		Stage string
		Code  fault.Code
		Fatal bool
		ID    uint64
	}
}

func (v vector) bytes(t *testing.T) []byte {
	t.Helper()
	b := unhex(t, v.Frame)
	if v.Fill != nil {
		b = append(b, bytes.Repeat(unhex(t, v.Fill.Byte), v.Fill.Count)...)
		b = append(b, unhex(t, v.Fill.Tail)...)
	}
	return b
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestGoldenVectorsCoverEveryType(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range readVectors(t) {
		if v.Error == nil {
			seen[v.Type] = true
		}
	}
	for typ := wire.Type(1); typ.Known(); typ++ {
		if !seen[typ.String()] {
			t.Errorf("no vector for %s", typ)
		}
	}
}

func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			frame := v.bytes(t)
			for name, r := range map[string]io.Reader{
				"whole":        bytes.NewReader(frame),
				"byte by byte": iotest.OneByteReader(bytes.NewReader(frame)),
				"error behind": iotest.DataErrReader(bytes.NewReader(frame)),
			} {
				if v.Error == nil {
					checkSound(t, name, v, frame, wire.NewDecoder(r, goldenLimit))
				} else {
					checkFailure(t, name, v, frame, r)
				}
			}
		})
	}
}

func checkSound(t *testing.T, how string, v vector, frame []byte, d *wire.Decoder) {
	t.Helper()
	f, err := d.Next()
	if err != nil {
		t.Fatalf("%s: %v", how, err)
	}
	if f.Type.String() != v.Type || f.Flags != v.Flags || f.ID != v.ID {
		t.Errorf("%s: got %s flags %d id %d", how, f.Type, f.Flags, f.ID)
	}
	if v.Meta != nil && !bytes.Equal(f.Meta, unhex(t, *v.Meta)) {
		t.Errorf("%s: meta %q", how, f.Meta)
	}
	if v.Body != nil && !bytes.Equal(f.Body, unhex(t, *v.Body)) {
		t.Errorf("%s: body %q", how, f.Body)
	}
	if v.Fill != nil && (len(f.Meta) != v.MetaSize || len(f.Body) != v.BodySize) {
		t.Errorf("%s: meta of %d and body of %d bytes", how, len(f.Meta), len(f.Body))
	}
	if again := wire.Append(nil, f); !bytes.Equal(again, frame) {
		t.Errorf("%s: encoded again: %x", how, again)
	}
	fields, parts, err := decode(f)
	if err != nil {
		t.Fatalf("%s: %v", how, err)
	}
	if v.Fields != nil {
		compareFields(t, how, fields, v.Fields)
	}
	checkParts(t, how, v, parts)
	if _, err := d.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("%s: behind the frame: %v, want EOF", how, err)
	}
}

func checkParts(t *testing.T, how string, v vector, parts map[string][]byte) {
	t.Helper()
	if len(parts) != len(v.Attachments) {
		t.Errorf("%s: %d attachments, want %d", how, len(parts), len(v.Attachments))
	}
	for _, a := range v.Attachments {
		if got, there := parts[a[0]]; !there || hex.EncodeToString(got) != a[1] {
			t.Errorf("%s: attachment %q is %x, want %s", how, a[0], got, a[1])
		}
	}
}

func checkFailure(t *testing.T, how string, v vector, frame []byte, r io.Reader) {
	t.Helper()
	ping := wire.Append(nil, wire.Frame{Type: wire.TypePing, ID: 77})
	if v.Error.Stage != "torn" {
		r = io.MultiReader(r, bytes.NewReader(ping))
	}
	d := wire.NewDecoder(r, goldenLimit)
	f, err := d.Next()
	switch v.Error.Stage {
	case "torn":
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v, want an unexpected EOF", how, err)
		}
		return
	case "meta":
		if err != nil || f.Type.String() != v.Type || f.ID != v.Error.ID {
			t.Fatalf("%s: %s %d: %v", how, f.Type, f.ID, err)
		}
		if _, _, err = decode(f); fault.CodeOf(err) != v.Error.Code {
			t.Errorf("%s: %v, want %s", how, err, v.Error.Code)
		}
	case "frame":
		var ferr *wire.FrameError
		if !errors.As(err, &ferr) {
			t.Fatalf("%s: %v, want a FrameError", how, err)
		}
		if ferr.Code != v.Error.Code || ferr.Fatal != v.Error.Fatal || ferr.ID != v.Error.ID {
			t.Errorf("%s: %+v, want %+v", how, ferr, v.Error)
		}
	}
	if v.Error.Fatal {
		return
	}
	if f, err = d.Next(); err != nil || f.Type != wire.TypePing || f.ID != 77 {
		t.Errorf("%s: the frame behind it: %+v, %v", how, f, err)
	}
}

// decode returns what the message's own decoder finds, in the wire's names.
func decode(f wire.Frame) (fields any, parts map[string][]byte, err error) {
	switch f.Type {
	case wire.TypeHello:
		fields, err = wire.DecodeHello(f.Body)
	case wire.TypeCall:
		var m wire.CallMeta
		if m, err = wire.DecodeCallMeta(f.Meta); err == nil {
			_, parts, err = parted(f.Body, m.State, m.Attachments)
		}
		fields = json.RawMessage(m.Append(nil))
	case wire.TypeResult:
		var m wire.ResultMeta
		if m, err = wire.DecodeResultMeta(f.Meta); err == nil {
			_, parts, err = parted(f.Body, m.State, m.Attachments)
		}
		fields = object(m.Append(nil))
	case wire.TypeError, wire.TypeHostError:
		fields, err = wire.DecodeFault(f.Body)
	case wire.TypeEvent:
		var m wire.EventMeta
		m, err = wire.DecodeEventMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeCredit:
		var m wire.CreditMeta
		m, err = wire.DecodeCreditMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeCancel:
		var m wire.CancelMeta
		m, err = wire.DecodeCancelMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeNeed:
		var m wire.NeedMeta
		m, err = wire.DecodeNeedMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeDefine:
		var m wire.DefineMeta
		m, err = wire.DecodeDefineMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypePong:
		var m wire.PongMeta
		m, err = wire.DecodePongMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeGoodbye:
		var m wire.GoodbyeMeta
		m, err = wire.DecodeGoodbyeMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeHostCall:
		var m wire.HostCallMeta
		m, err = wire.DecodeHostCallMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeHostResult, wire.TypeHostEvent:
		var m wire.HostAnswerMeta
		m, err = wire.DecodeHostAnswerMeta(f.Type, f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeHostCredit:
		var m wire.HostCreditMeta
		m, err = wire.DecodeHostCreditMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypeRelease:
		var m wire.ReleaseMeta
		m, err = wire.DecodeReleaseMeta(f.Meta)
		fields = object(m.Append(nil))
	case wire.TypePing, wire.TypeDrain, wire.TypeHostCancel:
		err = wire.DecodeNoMeta(f.Type, f.Meta)
		fields = object(nil)
	}
	return fields, parts, err
}

// parted divides a body as its meta says; the state counts as the part "state".
func parted(body []byte, state int, list []wire.Attachment) (value []byte, parts map[string][]byte, err error) {
	rest, cut, err := wire.CutState(body, state)
	if err != nil {
		return nil, nil, err
	}
	value, parts, err = wire.Split(rest, list)
	if cut != nil && err == nil {
		if parts == nil {
			parts = map[string][]byte{}
		}
		parts["state"] = cut
	}
	return value, parts, err
}

func object(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("{}")
	}
	return b
}

// compareFields compares two values by their JSON; members that are zero count
// as absent.
func compareFields(t *testing.T, how string, got any, want map[string]any) {
	t.Helper()
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var have map[string]any
	if err := json.Unmarshal(raw, &have); err != nil {
		t.Fatal(err)
	}
	prune(have)
	prune(want)
	if !reflect.DeepEqual(have, want) {
		t.Errorf("%s: fields\n%v, want\n%v", how, have, want)
	}
}

func prune(m map[string]any) {
	for k, v := range m {
		switch x := v.(type) {
		case nil:
			delete(m, k)
		case float64:
			if x == 0 {
				delete(m, k)
			}
		case string:
			if x == "" {
				delete(m, k)
			}
		case []any:
			if len(x) == 0 {
				delete(m, k)
			}
		}
	}
}
