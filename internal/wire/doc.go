// Package wire holds the bytes of the dspool protocol: the frame header, the
// message types, and the codec of every message. docs/PROTOCOL.md is the
// contract; the Python side (pyworker/dspool_worker/wire.py) implements the
// same page and reads the same golden vectors (testdata/golden.json).
//
// A frame is a 16-byte header and length bytes of payload, all integers
// big-endian:
//
//	offset  size  field
//	0       4     length  bytes after the header: meta and body together
//	4       1     type
//	5       1     flags   bit 0 RAW, all others 0
//	6       2     meta    how many of the first payload bytes are the meta object
//	8       8     id      call, ping or host call; 0 where there is none
//
// The package is pure: it knows readers and byte slices, but neither sockets
// nor processes.
package wire
