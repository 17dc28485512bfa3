// Package process starts and ends single operating system processes.
//
// A [Launcher] forks from one OS thread that it keeps for itself, because on
// Linux the parent-death signal follows the thread that forked and not the
// process: as long as the launcher lives its processes live, and when the
// host dies, however it dies, the kernel ends them.
//
// Every [Process] leads a process group of its own. The group is killed before
// its dead leader is reaped, so nothing that user code started stays behind
// and no number is signalled after the kernel gave it to somebody else.
//
// Standard output and error are read by a [Tail], which never lets the writer
// wait for whoever consumes the lines. [Diagnose] and [Exit.Hint] put into
// words why a program did not start.
//
// Linux has all of this. On macOS there is no parent-death signal: there a
// process has to end by itself when its socket reaches end-of-file.
package process
