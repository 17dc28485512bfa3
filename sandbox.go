package dspool

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// Defaults of Sandbox.
const (
	SandboxScratchDefault = 256 << 20
	sandboxScratchMin     = 1 << 20
)

// SandboxMode says whether workers are kept apart from the host.
type SandboxMode string

// The modes.
const (
	// SandboxOff: workers may do what the host's user may do.
	SandboxOff SandboxMode = "off"
	// SandboxBestEffort: they get as much of the sandbox as the system allows.
	// Status.Sandbox tells how much, and if it is less than all the condition
	// sandbox_unavailable holds.
	SandboxBestEffort SandboxMode = "best_effort"
	// SandboxRequired: they get all of it, or the pool does not start, with
	// unsupported.
	SandboxRequired SandboxMode = "required"
)

// SandboxNetwork says which network workers have.
type SandboxNetwork string

// The networks.
const (
	// SandboxNetworkNone is a network of their own that leads nowhere, also
	// not to the host's loopback. Language models are reached all the same:
	// the host asks them.
	SandboxNetworkNone SandboxNetwork = "none"
	// SandboxNetworkHost is the host's own.
	SandboxNetworkHost SandboxNetwork = "host"
)

// Sandbox keeps the fork server and all workers apart from the host. The zero
// value does not. It needs Linux, and a kernel that gives namespaces to this
// process; `dspool doctor` tries it and says what to do if it does not.
//
// What is promised, and what is not, is in docs/SANDBOX.md. In short: user code
// reaches no network, and, with ReadOnly, changes nothing on this machine; it
// gets no right that it has not, cannot look into other processes, and cannot
// leave. It still sees the files that the host's user may read.
type Sandbox struct {
	// Mode says whether there is a sandbox. Defaults to SandboxOff.
	Mode SandboxMode
	// Network is the workers' network. Defaults to SandboxNetworkNone. An LM
	// with Direct needs SandboxNetworkHost.
	Network SandboxNetwork
	// ReadOnly makes the whole file system read-only. /tmp, /var/tmp and
	// /dev/shm are private, empty and in memory, shared by the workers of one
	// fork server and gone with it; /dev has only harmless devices. Folders of
	// Path, of Python and the working directory stay visible wherever they are.
	ReadOnly bool
	// Writable are absolute paths of folders that workers may write to in spite
	// of ReadOnly. They must exist.
	Writable []string
	// Hidden are absolute paths of folders and files that are empty for
	// workers, whatever is in them. Those that do not exist are no error. /run,
	// with the sockets of the system's services, is always hidden.
	Hidden []string
	// ScratchBytes is how much /tmp, /var/tmp and /dev/shm may hold each, in
	// memory, with ReadOnly. Defaults to 256 MiB.
	ScratchBytes int64
}

// SandboxStatus tells how workers are kept apart from the host.
type SandboxStatus struct {
	// Mode is what the configuration asks for.
	Mode SandboxMode `json:"mode"`
	// Network is which network workers have, ReadOnly whether they see a
	// read-only file system. Without a worker yet: the host's, and false.
	Network  SandboxNetwork `json:"network"`
	ReadOnly bool           `json:"read_only"`
	// Users says that they are in a user namespace of their own: they cannot
	// look into processes of the host. Signals says that they cannot send
	// signals to them (Linux 6.12).
	Users   bool `json:"users"`
	Signals bool `json:"signals"`
	// Reason is why this is less than what the configuration asks for, "" if it
	// is not.
	Reason string `json:"reason,omitempty"`
}

func (s Sandbox) withDefaults() Sandbox {
	s.Mode = or(s.Mode, SandboxOff)
	if s.on() {
		s.Network = or(s.Network, SandboxNetworkNone)
		s.ScratchBytes = or(s.ScratchBytes, SandboxScratchDefault)
	}
	return s
}

func (s Sandbox) on() bool { return s.Mode != SandboxOff && s.Mode != "" }

// cutOff reports whether workers are to have no network.
func (s Sandbox) cutOff() bool { return s.on() && s.Network == SandboxNetworkNone }

func (s Sandbox) check(k *checker) {
	k.must(slices.Contains([]SandboxMode{SandboxOff, SandboxBestEffort, SandboxRequired}, s.Mode), "Sandbox.Mode",
		"must be %q, %q or %q, got %q", SandboxOff, SandboxBestEffort, SandboxRequired, s.Mode)
	if !s.on() {
		k.must(s.Network == "" && !s.ReadOnly && len(s.Writable)+len(s.Hidden) == 0 && s.ScratchBytes == 0, "Sandbox.Mode",
			"is %q, and so the other fields of Sandbox have no effect: set %q or %q", SandboxOff, SandboxBestEffort, SandboxRequired)
		return
	}
	k.must(runtime.GOOS == "linux", "Sandbox.Mode", "must be %q: there are no namespaces on %s", SandboxOff, runtime.GOOS)
	k.must(s.Network == SandboxNetworkNone || s.Network == SandboxNetworkHost, "Sandbox.Network",
		"must be %q or %q, got %q", SandboxNetworkNone, SandboxNetworkHost, s.Network)
	k.must(s.Network != SandboxNetworkHost || s.ReadOnly || len(s.Hidden) > 0, "Sandbox.Network", "is %q, and so a sandbox without ReadOnly keeps nothing apart", s.Network)
	k.must(s.ReadOnly || len(s.Writable) == 0, "Sandbox.Writable", "has no effect without ReadOnly")
	k.must(s.ScratchBytes >= sandboxScratchMin, "Sandbox.ScratchBytes", "must be at least %d, got %d", sandboxScratchMin, s.ScratchBytes)
	checkFolders(k, "Sandbox.Writable", s.Writable)
	checkFolders(k, "Sandbox.Hidden", s.Hidden)
}

func checkFolders(k *checker, field string, folders []string) {
	for i, folder := range folders {
		k.must(filepath.IsAbs(folder) && filepath.Clean(folder) != "/", fmt.Sprintf("%s[%d]", field, i),
			"must be an absolute path below /, got %q", folder)
	}
}

// checkSandbox checks what else in a configuration a sandbox concerns.
func (c Config) checkSandbox(k *checker) {
	c.Sandbox.check(k)
	k.must(!c.Sandbox.on() || len(c.Command) == 0, "Sandbox.Mode", "must be %q when Command is set: only dspool's own workers go into a sandbox", SandboxOff)
	k.must(!c.Sandbox.cutOff() || !c.LM.Direct, "LM.Direct", noNetwork)
	for _, name := range slices.Sorted(maps.Keys(c.LMs)) {
		k.must(!c.Sandbox.cutOff() || !c.LMs[name].Direct, fmt.Sprintf("LMs[%q].Direct", name), noNetwork)
	}
}

const noNetwork = `workers have no network in this sandbox to ask a provider themselves: leave Direct out, or set Sandbox.Network to "host"`

// exists refuses writable folders that are not there.
func (s Sandbox) exists() error {
	for i, folder := range s.Writable {
		if _, err := os.Stat(folder); err != nil {
			return fault.Wrap(fault.InvalidArgument, err, fmt.Sprintf("Config.Sandbox.Writable[%d] cannot be used", i))
		}
	}
	return nil
}

// settings are the sandbox as the fork server reads it, nil for none.
func (s Sandbox) settings() *wire.Sandbox {
	if !s.on() {
		return nil
	}
	return &wire.Sandbox{
		Required: s.Mode == SandboxRequired, Network: string(s.Network), ReadOnly: s.ReadOnly,
		Writable: s.Writable, Hidden: s.Hidden, Scratch: s.ScratchBytes,
	}
}

// status is what has become of the sandbox; i is nil while nobody has told.
func (s Sandbox) status(i *wire.Isolation) SandboxStatus {
	st := SandboxStatus{Mode: s.Mode, Network: SandboxNetworkHost}
	if i != nil {
		st.Network, st.ReadOnly, st.Users, st.Signals = SandboxNetwork(i.Network), i.ReadOnly, i.Users, i.Signals
		st.Reason = strings.Join(i.Why, "; ")
	}
	return st
}

// sandboxRefused is why a pool does not start whose sandbox is required.
func sandboxRefused(err error) *fault.Error {
	f := fault.From(err)
	refused := fault.Wrap(fault.Unsupported, f.Cause, `Config.Sandbox.Mode: is "required", and this system does not allow it (run "dspool doctor" to see what to do): `+f.Message)
	refused.Details = f.Details
	return refused.WithStarted(fault.StartedNo)
}
