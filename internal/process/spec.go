package process

import "os"

// Spec says which program to start and what it gets.
type Spec struct {
	// Path is the program's file. It is not searched for on PATH.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Env is the whole environment as "NAME=value". Nil is an empty one.
	Env []string
	// Dir is the working directory, "" for the host's own.
	Dir string
	// Files are handed over as descriptors 3, 4, 5... The caller keeps its own
	// copies and closes them after Start.
	Files []*os.File
	// Stdout and Stderr receive the program's lines. Nil keeps only the tail.
	Stdout, Stderr LineFunc
	// Redact rewrites each line before anybody sees it. Nil leaves it alone.
	Redact func(string) string
}

func (s Spec) argv() []string { return append([]string{s.Path}, s.Args...) }

func (s Spec) env() []string {
	if s.Env == nil {
		return []string{}
	}
	return s.Env
}
