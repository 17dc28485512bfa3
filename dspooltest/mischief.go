package dspooltest

// A Mischief is something that a mock worker does instead of answering.
type Mischief string

// What a mock worker can do with a call. Those that need it take Args.
const (
	// Crash begins the call and dies by SIGKILL; CrashBeforeStart dies before.
	Crash            Mischief = "crash"
	CrashBeforeStart Mischief = "crash_before_start"
	// NeverAcknowledge runs without a note in the ledger of started calls, then
	// dies: to the host, the call has not begun.
	NeverAcknowledge Mischief = "never_ack"
	// Exit ends the process with the exit code "code".
	Exit Mischief = "exit"
	// Silence never answers, and stops when the call is cancelled. Hang does
	// not stop either.
	Silence Mischief = "heed"
	Hang    Mischief = "hang"
	// Garbage sends a frame of an unknown type, then answers. BadResult answers
	// with a result whose head cannot be read.
	Garbage   Mischief = "garbage"
	BadResult Mischief = "bad_result"
	// HalfFrame writes half an answer and dies.
	HalfFrame Mischief = "half_frame"
	// Oversize answers with more than the frame limit.
	Oversize Mischief = "oversize"
	// WrongID answers a call that nobody made, then this one.
	WrongID Mischief = "wrong_id"
	// SlowReader takes nothing off its socket for "ms" milliseconds.
	SlowReader Mischief = "slow_reader"
	// FloodStderr writes "bytes" to standard error.
	FloodStderr Mischief = "flood_stderr"
	// Mute leaves pings without answers from now on, if "on" is 1, and serves
	// calls; Lag claims an event loop that is "ms" late, Grow "bytes" more memory.
	Mute Mischief = "mute"
	Lag  Mischief = "lag"
	Grow Mischief = "grow"
)

// What a mock worker can do instead of a proper HELLO: say nothing, say a wrong
// nonce, or say what is no frame. Exit works there too, and so does Delay.
const (
	NoHello      Mischief = "silent"
	WrongNonce   Mischief = "wrong_nonce"
	GarbageHello Mischief = "garbage"
)
