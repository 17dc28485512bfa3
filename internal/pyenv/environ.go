package pyenv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// environ is the environment of this process, as NAME=value.
type environ []string

func (e environ) get(name string) string {
	for _, entry := range slices.Backward(e) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// forPython returns what a Python may see. Variables that would make it another
// Python, or that would make uv or pip install something else or elsewhere, are
// left out; proxies, certificates and the user's own index stay.
func (e environ) forPython(more ...string) []string {
	kept := slices.DeleteFunc(slices.Clone(e), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(misleading(), name)
	})
	kept = append(kept, "PYTHONUTF8=1", "NO_COLOR=1", "LITELLM_LOCAL_MODEL_COST_MAP=True")
	return append(kept, more...)
}

func misleading() []string {
	return []string{
		"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONINSPECT",
		"VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__",
		"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT",
		"PIP_REQUIREMENT", "PIP_DRY_RUN", "PIP_NO_COMPILE", "PIP_EDITABLE", "PIP_REPORT", "PIP_LOG",
		"UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE_NEWER", "UV_SYSTEM_PYTHON",
		"UV_BREAK_SYSTEM_PACKAGES", "UV_VENV_SEED", "UV_VENV_CLEAR", "UV_RESOLUTION",
	}
}

// lookAll returns every executable file called name on PATH, in its order.
func (e environ) lookAll(name string) []string {
	var found []string
	for _, folder := range filepath.SplitList(e.get("PATH")) {
		path := filepath.Join(folder, name)
		if filepath.IsAbs(path) && executable(path) && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	return found
}

// look returns the first executable file called name on PATH, or "".
func (e environ) look(name string) string {
	if all := e.lookAll(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
