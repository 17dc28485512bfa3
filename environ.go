package dspool

import (
	"os"
	"slices"
	"strings"
)

// workerEnv returns the environment of a worker: this process's own without
// what selects or pays for a language model, and then extra. DSPy would fall
// back to a key that it finds, so a tenant without a key would use the host's;
// and a *_API_BASE or *_BASE_URL would silently move its traffic elsewhere.
// Where a name comes twice, the last one counts: Python would read the first,
// and an inherited PYTHONPATH would hide the worker's own package.
func workerEnv(own, extra []string) []string {
	secrets := secretNames()
	env := make([]string, 0, len(own)+len(extra))
	for _, entry := range own {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.Contains(secrets, name) && !redirects(name) {
			env = append(env, entry)
		}
	}
	return lastOfEach(append(env, extra...))
}

// lastOfEach keeps the last entry of every name.
func lastOfEach(entries []string) []string {
	at := make(map[string]int, len(entries))
	kept := entries[:0]
	for _, entry := range entries {
		name, _, _ := strings.Cut(entry, "=")
		if i, twice := at[name]; twice {
			kept[i] = entry
			continue
		}
		at[name] = len(kept)
		kept = append(kept, entry)
	}
	return kept
}

// pythonEnv puts what the interpreter needs before the user's variables, and
// the worker's own package before the user's PYTHONPATH.
func pythonEnv(needs, extra []string, own string) []string {
	env := slices.Clone(needs)
	for _, entry := range extra {
		if path, ok := strings.CutPrefix(entry, pythonPath); ok {
			entry = pythonPath + own + string(os.PathListSeparator) + path
		}
		env = append(env, entry)
	}
	return env
}

const (
	pythonPath = "PYTHONPATH="
	// patchesOff makes workers use DSPy as it is.
	patchesOff = "DSPOOL_DSPY_PATCHES=off"
)

func secretNames() []string {
	names := []string{"DSPOOL_LM_KEY"}
	for _, provider := range knownProviders() {
		names = append(names, providerKeys(provider)...)
	}
	return append(names, "OLLAMA_API_KEY", "HOSTED_VLLM_API_KEY")
}

// redirects reports whether a variable moves language model traffic.
func redirects(name string) bool {
	return strings.HasSuffix(name, "_API_BASE") || strings.HasSuffix(name, "_BASE_URL")
}
