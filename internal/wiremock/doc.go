// Package wiremock is a worker in Go: it speaks the real protocol over a real
// socket and runs no Python. Tests of everything above the wire use it, and so
// does anybody who wants to see what a host does with a worker that misbehaves.
//
// Its programs are functions with the reference "mock:NAME":
//
//	echo          {"text": v}            gives v back; without "text" the whole input
//	upper         {"text": s}            gives s in upper case
//	sleep         {"ms": n}              gives n back after that time
//	fail          {"code","message"}     fails with that code
//	crash         {}                     begins, then dies by SIGKILL
//	crash_before_start {}                dies before it begins
//	exit          {"code": n}            begins, then exits with that code
//	stream        {"n": n}               yields 0 to n-1, then gives n
//	hang          {}                     ignores cancellation
//	heed          {}                     runs until it is cancelled
//	bytes         attachments            gives all attachments back
//	never_ack     {}                     runs without a note in the ledger, then dies
//	garbage       {}                     writes bytes that are no frame
//	half_frame    {}                     writes half an answer, then dies
//	oversize      {}                     answers with more than the frame limit
//	wrong_id      {}                     answers another call first, then this one
//	slow_reader   {"ms": n}              stops reading the socket for that time
//	flood_stderr  {"bytes": n}           writes that much to standard error
//	host          {"method","args"}      calls the host and gives its answer
//	work          {"id","text","traces_to","ms"}  leaves a trace in a file, then turns the text round
//	pid           {}                     gives the process id
//
// Every other kind of program (predict and the like) answers each output field
// of its signature with a value of its type.
package wiremock
