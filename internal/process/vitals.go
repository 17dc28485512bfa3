package process

import "time"

// Vitals are what the system says of a living process.
type Vitals struct {
	// State is the state of its main thread as in /proc: 'R' runs or wants to,
	// 'S' sleeps, 'D' waits for a disk, 'T' and 't' are stopped, 'Z' is dead.
	State byte
	// CPU is the processor time that all of its threads have used.
	CPU time.Duration
}

// Stopped reports whether somebody has stopped the process, with SIGSTOP or a
// debugger.
func (v Vitals) Stopped() bool { return v.State == 'T' || v.State == 't' }

// Waits reports whether the process would go on but for the machine: it waits
// for a processor or for a disk.
func (v Vitals) Waits() bool { return v.State == 'R' || v.State == 'D' }
