package boltfile

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/dspool/dspool/fault"
)

// What cannot be had in a test: a full disk, another user's file.
func TestErrorsOfTheSystemSayWhatToDo(t *testing.T) {
	t.Parallel()
	file := &File{path: "s.db", o: Options{What: "store", Full: "free some space"}}
	for _, tt := range []struct {
		cause error
		kind  string
		code  fault.Code
	}{
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "full", fault.ResourceExhausted},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, "full", fault.ResourceExhausted},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, "read_only", fault.InvalidArgument},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EPERM}, "read_only", fault.InvalidArgument},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, "read_only", fault.InvalidArgument},
		{errors.New("the moon is full"), "failed", fault.Unavailable},
	} {
		f := fault.From(file.Explain(tt.cause))
		if f.Code != tt.code || f.Details["store"] != tt.kind || !errors.Is(f, tt.cause) {
			t.Errorf("%v became %v with %v", tt.cause, f, f.Details)
		}
	}
	if file.Explain(nil) != nil {
		t.Error("nil became an error")
	}
}
