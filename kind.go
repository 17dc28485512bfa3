package dspool

import (
	"strings"

	"github.com/dspool/dspool/fault"
)

// A Kind says what a [Spec] runs.
type Kind string

// The kinds of programs.
const (
	// KindPredict asks the language model once: dspy.Predict.
	KindPredict Kind = "predict"
	// KindChainOfThought lets the language model reason first:
	// dspy.ChainOfThought. It adds the output "reasoning".
	KindChainOfThought Kind = "chain_of_thought"
	// KindReAct lets the language model reason and act in turns: dspy.ReAct,
	// without tools. It adds the output "trajectory".
	KindReAct Kind = "react"
	// KindModule is a dspy.Module class of the user's own.
	KindModule Kind = "module"
	// KindFunc is a plain Python function of the user's own.
	KindFunc Kind = "func"
	// KindObject is a method of a class of the user's own, called on the
	// session's object: see [Object].
	KindObject Kind = "object"
)

// Kinds returns every kind there is. The slice is the caller's own.
func Kinds() []Kind {
	return []Kind{KindPredict, KindChainOfThought, KindReAct, KindModule, KindFunc, KindObject}
}

// code reports whether programs of this kind are the user's own Python, named
// by a reference.
func (k Kind) code() bool { return k == KindModule || k == KindFunc || k == KindObject }

// known reports whether there is such a kind.
func (k Kind) known() bool {
	switch k {
	case KindPredict, KindChainOfThought, KindReAct, KindModule, KindFunc, KindObject:
		return true
	}
	return false
}

// adds names the outputs that programs of this kind have beyond those of their
// signature.
func (k Kind) adds() string {
	switch k {
	case KindChainOfThought:
		return "reasoning"
	case KindReAct:
		return "trajectory"
	default:
		return ""
	}
}

// checkRef refuses what cannot be a reference to Python code.
func checkRef(k Kind, ref string) error {
	if !k.code() {
		if ref != "" {
			return fault.Newf(fault.InvalidArgument, "a program of kind %q takes no reference, found %q", k, ref)
		}
		return nil
	}
	example := `"package.module:function"`
	if k == KindModule || k == KindObject {
		example = `"package.module:Class"`
	}
	module, object, ok := strings.Cut(ref, ":")
	if name, file := strings.CutSuffix(module, ".py"); file {
		return fault.Newf(fault.InvalidArgument,
			"the reference %q names a file: name the module, as in %q", ref, strings.ReplaceAll(name, "/", ".")+":"+object)
	}
	if !ok || !dotted(module) || !dotted(object) {
		return fault.Newf(fault.InvalidArgument,
			"the reference %q does not name Python code: write it as %s", ref, example)
	}
	return nil
}

// dotted reports whether s is one or more Python identifiers joined by dots.
func dotted(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		for i, r := range part {
			letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r > 0x7f
			if !letter && (i == 0 || r < '0' || r > '9') {
				return false
			}
		}
		if part == "" {
			return false
		}
	}
	return true
}
