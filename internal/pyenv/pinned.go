package pyenv

import "github.com/dspool/dspool/pyworker"

// PinnedDSPy returns the version of dspy that dspool is made for.
func PinnedDSPy() string { return pinned(pyworker.Lock(), "dspy") }

// InstallAdvice says how a Python is installed on this machine.
func InstallAdvice() string { return installPython() }

// Named returns the interpreter that cfg or the environment names, or "".
func Named(cfg Config) string {
	s, err := newSetup(cfg)
	if err != nil {
		return cfg.Python
	}
	return s.named()
}
