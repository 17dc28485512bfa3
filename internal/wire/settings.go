package wire

import (
	"encoding/json"
	"slices"

	"github.com/dspool/dspool/fault"
)

// ProbeRef names the function that health checks call: no inputs, does nothing,
// answers null. docs/PROTOCOL.md, section 3, "Health checks".
const ProbeRef = "dspool_worker.probe:ready"

// Hello is the body of a worker's first frame.
type Hello struct {
	Version        int      `json:"version"`
	PID            int      `json:"pid"`
	Nonce          string   `json:"nonce"`
	Python         string   `json:"python"`
	Implementation string   `json:"implementation"`
	DSPy           string   `json:"dspy,omitempty"`
	Features       []string `json:"features"`
	// Sandbox is what became of Settings.Sandbox.
	Sandbox *Isolation `json:"sandbox,omitempty"`
}

// Has reports whether the worker named a feature.
func (h Hello) Has(feature string) bool { return slices.Contains(h.Features, feature) }

// DecodeHello reads the body of a HELLO.
func DecodeHello(b []byte) (Hello, error) {
	var h Hello
	if err := json.Unmarshal(b, &h); err != nil {
		return Hello{}, fault.Wrap(fault.Protocol, err, "HELLO is not the JSON object that it should be")
	}
	return h, nil
}

// Settings are what a worker is told at birth. They hold no secret.
type Settings struct {
	// Versions are the lowest and highest protocol version of the host.
	Versions [2]int `json:"versions"`
	Nonce    string `json:"nonce"`
	Worker   string `json:"worker"`
	// Socket and Ledger are descriptor numbers; Ledger is -1 without a ledger.
	Socket int `json:"socket"`
	Ledger int `json:"ledger"`
	// Slots is the number of ledger slots, FrameLimit the largest payload.
	Slots      int `json:"slots"`
	FrameLimit int `json:"frame_limit"`
	// Path holds the folders of user code.
	Path []string `json:"path"`
	// Programs and LMs are the sizes of the worker's definition caches.
	Programs int `json:"programs"`
	LMs      int `json:"lms"`
	// Objects is how many objects the worker keeps at most, ObjectState the
	// largest snapshot of one in bytes.
	Objects     int `json:"objects"`
	ObjectState int `json:"object_state"`
	// Threads is the size of the pool for synchronous code.
	Threads int `json:"threads"`
	// Loop is "uvloop" or "asyncio".
	Loop string `json:"loop"`
	// Sandbox sets the worker apart, nil for not; a fork order has none.
	Sandbox *Sandbox `json:"sandbox,omitempty"`
}

// Sandbox says how a process sets itself apart from the host.
type Sandbox struct {
	// Required: it ends with SandboxExitCode if it cannot, entirely.
	Required bool `json:"required"`
	// Network is "none" or "host".
	Network  string   `json:"network"`
	ReadOnly bool     `json:"read_only"`
	Writable []string `json:"writable,omitempty"`
	Hidden   []string `json:"hidden,omitempty"`
	// Scratch is how many bytes /tmp may hold.
	Scratch int64 `json:"scratch"`
}

// Isolation is what has become of a [Sandbox].
type Isolation struct {
	Network  string `json:"network"`
	ReadOnly bool   `json:"read_only"`
	// Users: in a user namespace of its own; Signals: none leaves.
	Users   bool `json:"users"`
	Signals bool `json:"signals"`
	// Why it is less than what was wanted.
	Why []string `json:"why"`
}

// ZygoteSettings are what the fork server is told at its start.
type ZygoteSettings struct {
	Nonce   string   `json:"nonce"`
	Path    []string `json:"path"`
	Preload []string `json:"preload"`
	Warm    bool     `json:"warm"`
	// LiteLLM is to be imported as well.
	LiteLLM bool     `json:"litellm"`
	Sandbox *Sandbox `json:"sandbox,omitempty"`
}

// Operations of an [Order].
const (
	OrderFork = "fork"
	OrderStop = "stop"
)

// Order is a message to the fork server. A fork carries four descriptors:
// socket, stdout, stderr, ledger.
type Order struct {
	Op       string    `json:"op"`
	Order    uint64    `json:"order,omitempty"`
	Settings *Settings `json:"settings,omitempty"`
}

// Kinds of a [ZygoteEvent].
const (
	ZygoteHello   = "hello"
	ZygoteForked  = "forked"
	ZygoteRefused = "refused"
	ZygoteExited  = "exited"
)

// ZygoteEvent is a message from the fork server; which fields are set follows
// from Event.
type ZygoteEvent struct {
	Event string `json:"ev"`

	// hello
	Version  int             `json:"version,omitempty"`
	Nonce    string          `json:"nonce,omitempty"`
	Python   string          `json:"python,omitempty"`
	DSPy     string          `json:"dspy,omitempty"`
	ImportUS int64           `json:"import_us,omitempty"`
	Unsafe   []string        `json:"unsafe,omitempty"`
	Failed   []PreloadFailed `json:"failed,omitempty"`
	Sandbox  *Isolation      `json:"sandbox,omitempty"`

	// hello, forked, exited
	PID int `json:"pid,omitempty"`

	// forked, refused
	Order uint64 `json:"order,omitempty"`
	Error string `json:"error,omitempty"`

	// exited: Code is -1 when Signal ended the child.
	Code     int   `json:"code"`
	Signal   int   `json:"signal,omitempty"`
	MaxRSSKB int64 `json:"maxrss_kb,omitempty"`
	UserUS   int64 `json:"utime_us,omitempty"`
	SystemUS int64 `json:"stime_us,omitempty"`
}

// PreloadFailed is a preload module that the fork server could not import.
type PreloadFailed struct {
	Module string `json:"module"`
	Error  string `json:"error"`
}

// DecodeZygoteEvent reads one packet from the fork server.
func DecodeZygoteEvent(b []byte) (ZygoteEvent, error) {
	var e ZygoteEvent
	if err := json.Unmarshal(b, &e); err != nil {
		return ZygoteEvent{}, fault.Wrap(fault.Protocol, err, "message of the fork server is not the JSON object that it should be")
	}
	return e, nil
}
