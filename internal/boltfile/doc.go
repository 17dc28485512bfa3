// Package boltfile opens files of bbolt (go.etcd.io/bbolt) so that whatever is
// wrong with one is a typed error that says what to do: in use, damaged, cut
// off, somebody else's, of a newer version, full. What bbolt panics on, or what
// faults because a file became shorter under its mapping, does not end the
// process.
package boltfile
