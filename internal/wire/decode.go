package wire

import (
	"math"

	"github.com/dspool/dspool/fault"
)

// members parses a meta object. Empty meta is {}; member must take the value
// of each key that it knows and report false for the others.
func members(t Type, meta []byte, member func(s *scanner, key string) (bool, error)) error {
	if len(meta) == 0 {
		return nil
	}
	s := &scanner{b: meta}
	err := s.object(func(key []byte) error {
		known, err := member(s, string(key))
		if err == nil && !known {
			err = s.skip(0)
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	return metaError(t, err)
}

// metaError turns what a scanner found into a fault.
func metaError(t Type, err error) error {
	if err == nil {
		return nil
	}
	return fault.Newf(fault.Protocol, "meta of %s: %v", t, err)
}

// lacks reports a member that has to be there.
func lacks(t Type, name string) error {
	return fault.Newf(fault.Protocol, "meta of %s: member %q is missing", t, name)
}

// DecodeCallMeta reads the meta of a CALL.
func DecodeCallMeta(b []byte) (CallMeta, error) {
	var m CallMeta
	err := members(TypeCall, b, func(s *scanner, key string) (_ bool, err error) {
		switch key {
		case "p":
			m.Program, err = s.str()
		case "l":
			m.LM, err = s.str()
		case "b":
			m.Budget, err = s.integer(0)
		case "t":
			m.Trace, err = s.str()
		case "s":
			m.Stream, err = s.count()
		case "w":
			m.Tenant, err = s.str()
		case "k":
			m.Session, err = s.str()
		case "o":
			m.Object, err = s.str()
		case "d":
			m.State, err = s.count()
		case "a":
			m.Attachments, err = s.attachments()
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil {
		err = m.check()
	}
	return m, err
}

// check holds members against each other.
func (m *CallMeta) check() error {
	switch {
	case m.Program == "":
		return lacks(TypeCall, "p")
	case m.Object == "" && m.State > 0:
		return lacks(TypeCall, "o")
	case m.Object != "" && m.Session == "":
		return lacks(TypeCall, "k")
	}
	switch m.Object {
	case "", ObjectNew, ObjectLive, ObjectRestore:
		return nil
	default:
		return fault.Newf(fault.Protocol, "meta of %s: member \"o\" must be \"new\", \"live\" or \"restore\"", TypeCall)
	}
}

// DecodeResultMeta reads the meta of a RESULT. It is on the path of every call
// and allocates only for usage and attachments.
func DecodeResultMeta(b []byte) (ResultMeta, error) {
	var m ResultMeta
	if len(b) == 0 {
		return m, nil
	}
	s := scanner{b: b}
	err := s.object(func(key []byte) error { return m.member(&s, key) })
	if err == nil {
		err = s.end()
	}
	return m, metaError(TypeResult, err)
}

func (m *ResultMeta) member(s *scanner, key []byte) (err error) {
	switch string(key) {
	case "u":
		m.Usage, err = s.usage()
	case "q":
		m.Queue, err = s.integer(0)
	case "r":
		m.Run, err = s.integer(0)
	case "t":
		m.Spans, err = s.value()
	case "d":
		m.State, err = s.count()
	case "a":
		m.Attachments, err = s.attachments()
	default:
		err = s.skip(0)
	}
	return err
}

// count takes a whole number that fits an int.
func (s *scanner) count() (int, error) {
	n, err := s.integer(0)
	if err == nil && n > math.MaxInt32 {
		err = s.fail("number out of range")
	}
	return int(n), err
}

// attachments takes [[name, size], ...].
func (s *scanner) attachments() (list []Attachment, err error) {
	err = s.array(func() error {
		var a Attachment
		if err := s.expect('['); err != nil {
			return err
		}
		if a.Name, err = s.str(); err != nil {
			return err
		}
		if err := s.expect(','); err != nil {
			return err
		}
		if a.Size, err = s.count(); err != nil {
			return err
		}
		list = append(list, a)
		return s.expect(']')
	})
	return list, err
}

// usage takes {model: {prompt_tokens, ...}}.
func (s *scanner) usage() (map[string]Usage, error) {
	usage := make(map[string]Usage, 1)
	err := s.object(func(key []byte) error {
		model := string(key)
		u, err := s.tokens()
		usage[model] = u
		return err
	})
	return usage, err
}

func (s *scanner) tokens() (u Usage, err error) {
	err = s.object(func(key []byte) (err error) {
		switch string(key) {
		case "prompt_tokens":
			u.PromptTokens, err = s.integer(0)
		case "completion_tokens":
			u.CompletionTokens, err = s.integer(0)
		case "total_tokens":
			u.TotalTokens, err = s.integer(0)
		default:
			err = s.skip(0)
		}
		return err
	})
	return u, err
}

// DecodeErrorMeta reads the meta of an ERROR.
func DecodeErrorMeta(b []byte) (ErrorMeta, error) {
	var m ErrorMeta
	err := members(TypeError, b, func(s *scanner, key string) (_ bool, err error) {
		if key != "t" {
			return false, nil
		}
		m.Spans, err = s.value()
		return true, err
	})
	return m, err
}

// DecodeEventMeta reads the meta of an EVENT.
func DecodeEventMeta(b []byte) (EventMeta, error) {
	switch string(b) {
	case `{"k":"item"}`:
		return EventMeta{Kind: "item"}, nil
	case `{"k":"chunk"}`:
		return EventMeta{Kind: "chunk"}, nil
	}
	var m EventMeta
	err := members(TypeEvent, b, func(s *scanner, key string) (_ bool, err error) {
		if key != "k" {
			return false, nil
		}
		m.Kind, err = s.str()
		return true, err
	})
	if err == nil && m.Kind == "" {
		err = lacks(TypeEvent, "k")
	}
	return m, err
}

// DecodeCreditMeta reads the meta of a CREDIT.
func DecodeCreditMeta(b []byte) (CreditMeta, error) { return decodeCredit(TypeCredit, b) }

// DecodeHostCreditMeta reads the meta of a HOSTCREDIT.
func DecodeHostCreditMeta(b []byte) (HostCreditMeta, error) { return decodeCredit(TypeHostCredit, b) }

func decodeCredit(t Type, b []byte) (CreditMeta, error) {
	var m CreditMeta
	err := members(t, b, func(s *scanner, key string) (_ bool, err error) {
		if key != "n" {
			return false, nil
		}
		m.N, err = s.count()
		return true, err
	})
	if err == nil && m.N == 0 {
		err = lacks(t, "n")
	}
	return m, err
}

// DecodeCancelMeta reads the meta of a CANCEL.
func DecodeCancelMeta(b []byte) (CancelMeta, error) {
	why, err := decodeWhy(TypeCancel, b)
	return CancelMeta{Why: why}, err
}

// DecodeGoodbyeMeta reads the meta of a GOODBYE.
func DecodeGoodbyeMeta(b []byte) (GoodbyeMeta, error) {
	why, err := decodeWhy(TypeGoodbye, b)
	return GoodbyeMeta{Why: why}, err
}

func decodeWhy(t Type, b []byte) (why string, err error) {
	err = members(t, b, func(s *scanner, key string) (_ bool, err error) {
		if key != "why" {
			return false, nil
		}
		why, err = s.str()
		return true, err
	})
	return why, err
}

// DecodeNeedMeta reads the meta of a NEED.
func DecodeNeedMeta(b []byte) (NeedMeta, error) {
	d, err := decodeDefine(TypeNeed, b)
	return NeedMeta{Kind: d.Kind, Hash: d.Hash}, err
}

// DecodeDefineMeta reads the meta of a DEFINE.
func DecodeDefineMeta(b []byte) (DefineMeta, error) { return decodeDefine(TypeDefine, b) }

func decodeDefine(t Type, b []byte) (m DefineMeta, err error) {
	err = members(t, b, func(s *scanner, key string) (_ bool, err error) {
		switch {
		case key == "k":
			m.Kind, err = s.str()
		case key == "h":
			m.Hash, err = s.str()
		case key == "missing" && t == TypeDefine:
			m.Missing, err = s.boolean()
		default:
			return false, nil
		}
		return true, err
	})
	switch {
	case err != nil:
	case m.Kind != "program" && m.Kind != "lm":
		err = fault.Newf(fault.Protocol, "meta of %s: member \"k\" must be \"program\" or \"lm\"", t)
	case m.Hash == "":
		err = lacks(t, "h")
	}
	return m, err
}

// DecodePongMeta reads the meta of a PONG.
func DecodePongMeta(b []byte) (PongMeta, error) {
	var m PongMeta
	err := members(TypePong, b, func(s *scanner, key string) (_ bool, err error) {
		switch key {
		case "lag":
			m.Lag, err = s.integer(0)
		case "running":
			m.Running, err = s.count()
		case "rss":
			m.RSS, err = s.integer(0)
		default:
			return false, nil
		}
		return true, err
	})
	return m, err
}

// DecodeHostCallMeta reads the meta of a HOSTCALL.
func DecodeHostCallMeta(b []byte) (HostCallMeta, error) {
	var m HostCallMeta
	err := members(TypeHostCall, b, func(s *scanner, key string) (_ bool, err error) {
		switch key {
		case "m":
			m.Method, err = s.str()
		case "c":
			var n int64
			n, err = s.integer(0)
			m.Call = uint64(n)
		case "s":
			m.Stream, err = s.count()
		case "x":
			m.Extra, err = s.value()
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil && m.Method == "" {
		err = lacks(TypeHostCall, "m")
	}
	return m, err
}

// DecodeHostAnswerMeta reads the meta of a HOSTRESULT or HOSTEVENT.
func DecodeHostAnswerMeta(t Type, b []byte) (HostAnswerMeta, error) {
	var m HostAnswerMeta
	err := members(t, b, func(s *scanner, key string) (_ bool, err error) {
		if key != "x" {
			return false, nil
		}
		m.Extra, err = s.value()
		return true, err
	})
	return m, err
}

// DecodeReleaseMeta reads the meta of a RELEASE.
func DecodeReleaseMeta(b []byte) (ReleaseMeta, error) {
	var m ReleaseMeta
	err := members(TypeRelease, b, func(s *scanner, key string) (_ bool, err error) {
		switch key {
		case "w":
			m.Tenant, err = s.str()
		case "k":
			m.Session, err = s.str()
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil && m.Session == "" {
		err = lacks(TypeRelease, "k")
	}
	return m, err
}

// DecodeNoMeta checks the meta of a message that has no members of its own.
func DecodeNoMeta(t Type, b []byte) error {
	return members(t, b, func(*scanner, string) (bool, error) { return false, nil })
}
