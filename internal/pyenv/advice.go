package pyenv

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// advice says what to do about a build that failed, from what the tools said.
func advice(p interpreter, said string) string {
	for _, known := range knownTroubles(p) {
		for _, sign := range known.signs {
			if strings.Contains(strings.ToLower(said), sign) {
				return known.advice
			}
		}
	}
	if said == "" { // no tool at all
		return installVenv(p)
	}
	return "read the lines above; `dspool doctor` checks the rest. Or " + ownInstead()
}

type trouble struct {
	signs  []string // lower case
	advice string
}

func knownTroubles(p interpreter) []trouble {
	return []trouble{
		{
			[]string{"no space left", "disk quota exceeded"},
			"make room (about 400 MB are needed), or set " + CacheVariable + " to a folder on another disk",
		},
		{
			[]string{"do not match the hashes", "hash mismatch"},
			"what was downloaded is not what the lock file asks for: a mirror or proxy changes packages, or a download broke off; " +
				"try again, then ask whoever runs the mirror",
		},
		{
			[]string{"certificate", "ssl error", "sslerror"},
			"the network's certificate is not trusted: set SSL_CERT_FILE (uv) and PIP_CERT (pip) to your company's certificates",
		},
		{
			[]string{
				"name resolution", "name or service not known", "nodename nor servname", "dns error", "connection refused",
				"network is unreachable", "timed out", "failed to fetch", "newconnectionerror", "proxyerror", "error sending request",
				"no matching distribution", "could not find a version", "network connectivity is disabled", "from versions: none",
			},
			"the package index cannot be reached, or lacks a package: check the network and HTTPS_PROXY; behind a mirror set " +
				"PIP_INDEX_URL and UV_INDEX_URL. Only the first start needs the network. Or " + ownInstead(),
		},
		{
			[]string{"ensurepip is not available", "no module named ensurepip", "no module named venv", "no module named pip"},
			installVenv(p),
		},
		{
			[]string{"permission denied", "read-only file system"},
			"set " + CacheVariable + " to a folder that can be written",
		},
		{
			[]string{"failed building wheel", "failed to build", "error: command 'gcc'"},
			"there is no ready-made package for this platform (" + runtime.GOOS + "/" + runtime.GOARCH +
				") and no compiler to build it: use CPython 3.10 to 3.13 on x86-64 or arm64",
		},
	}
}

func ownInstead() string {
	return "install dspy==" + PinnedDSPy() + " and msgspec into an environment of your own and set " + PythonVariable + " to its interpreter"
}

// installVenv is the command that gives p what it lacks to make environments.
func installVenv(p interpreter) string {
	if exists("/etc/debian_version") && len(p.Minor) == 2 {
		return fmt.Sprintf("run `sudo apt install python%d.%d-venv`, or install uv, then try again", p.Minor[0], p.Minor[1])
	}
	return "install uv, or the venv and pip of this Python, then try again"
}

func installPython() string {
	switch {
	case exists("/etc/debian_version"):
		return "run `sudo apt install python3 python3-venv`, or `uv python install 3.12`"
	case runtime.GOOS == "darwin":
		return "run `brew install python@3.12`, or `uv python install 3.12`"
	default:
		return "install Python 3.12 from your distribution, or run `uv python install 3.12`"
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
