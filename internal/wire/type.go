package wire

import "strconv"

// Limits and fixed sizes of the protocol.
const (
	// Version is the protocol version that this package speaks.
	Version = 1
	// HeaderSize is the size of a frame header in bytes.
	HeaderSize = 16
	// FrameLimitDefault is the largest payload, in bytes, that a receiver
	// takes unless the settings say otherwise.
	FrameLimitDefault = 64 << 20
	// FrameLimitMax is the largest payload, in bytes, after which the framing
	// can still be trusted.
	FrameLimitMax = 1<<31 - 1
	// MetaMax is the largest meta object in bytes.
	MetaMax = 1<<16 - 1
	// PingMax is the largest body of a PING in bytes.
	PingMax = 1024
	// SlotsDefault is the number of ledger slots of a connection, and so the
	// most calls that can be in flight on it, unless the settings say otherwise.
	SlotsDefault = 16384
	// VersionExitCode is the exit code of a worker that supports none of the
	// versions in its settings.
	VersionExitCode = 65
	// SandboxExitCode is the exit code of a process that could not set itself
	// apart as it had to; the last line on standard error says why.
	SandboxExitCode = 66
)

// A Type says which message a frame is.
type Type uint8

// The messages. The comment names the way: H is the host, W the worker.
const (
	TypeHello      Type = 1  // W>H
	TypeCall       Type = 2  // H>W
	TypeResult     Type = 3  // W>H
	TypeError      Type = 4  // both
	TypeEvent      Type = 5  // W>H
	TypeCredit     Type = 6  // H>W
	TypeCancel     Type = 7  // H>W
	TypeNeed       Type = 8  // W>H
	TypeDefine     Type = 9  // H>W
	TypePing       Type = 10 // H>W
	TypePong       Type = 11 // W>H
	TypeDrain      Type = 12 // H>W
	TypeGoodbye    Type = 13 // W>H
	TypeHostCall   Type = 14 // W>H
	TypeHostResult Type = 15 // H>W
	TypeHostError  Type = 16 // H>W
	TypeHostCancel Type = 17 // W>H
	TypeHostEvent  Type = 18 // H>W
	TypeHostCredit Type = 19 // W>H
	TypeRelease    Type = 20 // H>W
)

// typeLast is the highest type that this version knows.
const typeLast = TypeRelease

// Known reports whether this version of the protocol has the type.
func (t Type) Known() bool { return t >= TypeHello && t <= typeLast }

// String returns the message's name as PROTOCOL.md writes it.
func (t Type) String() string { //nolint:cyclop // a table
	switch t {
	case TypeHello:
		return "HELLO"
	case TypeCall:
		return "CALL"
	case TypeResult:
		return "RESULT"
	case TypeError:
		return "ERROR"
	case TypeEvent:
		return "EVENT"
	case TypeCredit:
		return "CREDIT"
	case TypeCancel:
		return "CANCEL"
	case TypeNeed:
		return "NEED"
	case TypeDefine:
		return "DEFINE"
	case TypePing:
		return "PING"
	case TypePong:
		return "PONG"
	case TypeDrain:
		return "DRAIN"
	case TypeGoodbye:
		return "GOODBYE"
	case TypeHostCall:
		return "HOSTCALL"
	case TypeHostResult:
		return "HOSTRESULT"
	case TypeHostError:
		return "HOSTERROR"
	case TypeHostCancel:
		return "HOSTCANCEL"
	case TypeHostEvent:
		return "HOSTEVENT"
	case TypeHostCredit:
		return "HOSTCREDIT"
	case TypeRelease:
		return "RELEASE"
	}
	return "type " + strconv.Itoa(int(t))
}

// FromWorker reports whether a worker may send the type.
func (t Type) FromWorker() bool {
	switch t {
	case TypeHello, TypeResult, TypeError, TypeEvent, TypeNeed, TypePong, TypeGoodbye,
		TypeHostCall, TypeHostCancel, TypeHostCredit:
		return true
	case TypeCall, TypeCredit, TypeCancel, TypeDefine, TypePing, TypeDrain,
		TypeHostResult, TypeHostError, TypeHostEvent, TypeRelease:
		return false
	}
	return false
}

// FromHost reports whether the host may send the type.
func (t Type) FromHost() bool {
	return t.Known() && (t == TypeError || !t.FromWorker())
}

// Flags are the bits of a frame's flags byte.
type Flags uint8

// Raw marks a body of opaque bytes; without it the body is JSON.
const Raw Flags = 1

// flagsKnown is every bit that this version gives a meaning.
const flagsKnown = Raw
