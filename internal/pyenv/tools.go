package pyenv

import (
	"path/filepath"
)

// tool is one way to make a virtual environment and to fill it.
type tool struct {
	name    string
	with    installer
	create  func(folder string) command
	install func(folder, lock string) command
}

// installer is the program that installs. Where it fails, it fails again
// wherever it comes from: all pips read the same index.
type installer string

const (
	withUv  installer = "uv"
	withPip installer = "pip"
)

// tools returns the ways that may work with p, best first. A later one also
// helps when an earlier one fails: uv does not read pip's configuration, so
// behind a company's mirror pip may succeed where uv cannot.
func (s *setup) tools(p interpreter) []tool {
	var all []tool
	if uv := s.uv(); uv != "" {
		all = append(all, s.uvTool(uv, p))
	}
	if p.Venv && p.Ensurepip {
		all = append(all, tool{"venv and pip", withPip, venv(p), s.pipInside})
	}
	if p.Venv && p.Pip {
		all = append(all, tool{"venv and the pip of " + p.Base, withPip, venv(p, "--without-pip"), s.pipOutside(p)})
	}
	if wheel := s.bundledPip(); p.Venv && wheel != "" {
		all = append(all, tool{"venv and " + wheel, withPip, venv(p, "--without-pip"), s.pipFromWheel(wheel)})
	}
	if create := s.virtualenv(p); create != nil {
		all = append(all, tool{"virtualenv and pip", withPip, create, s.pipInside})
	}
	return all
}

func (s *setup) uvTool(uv string, p interpreter) tool {
	return tool{
		name: "uv",
		with: withUv,
		create: func(folder string) command {
			return command{path: uv, args: s.uvArgs("venv", "--allow-existing", "--python", p.Base, folder)}
		},
		install: func(folder, lock string) command {
			return command{path: uv, args: s.uvArgs("pip", "install", "--python", interpreterIn(folder),
				"--no-deps", "--require-hashes", "--compile-bytecode", "--requirement", lock)}
		},
	}
}

func (s *setup) uvArgs(args ...string) []string {
	args = append(args, "--no-progress")
	if s.cfg.Offline {
		args = append(args, "--offline")
	}
	return args
}

func venv(p interpreter, more ...string) func(string) command {
	return func(folder string) command {
		return command{path: p.Base, args: append([]string{"-I", "-m", "venv", folder}, more...)}
	}
}

// virtualenv returns how to call virtualenv, which brings its own pip, or nil.
func (s *setup) virtualenv(p interpreter) func(string) command {
	if p.Virtualenv {
		return func(folder string) command {
			return command{path: p.Base, args: []string{"-I", "-m", "virtualenv", folder}}
		}
	}
	if path := s.environ.look("virtualenv"); path != "" {
		return func(folder string) command {
			return command{path: path, args: []string{"--python", p.Base, folder}}
		}
	}
	return nil
}

// bundledPip returns a wheel of pip that the distribution put somewhere, or "".
func (s *setup) bundledPip() string {
	for _, pattern := range s.wheels {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}

func (s *setup) pipArgs(lock string) []string {
	args := []string{
		"install", "--no-deps", "--require-hashes", "--requirement", lock,
		"--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--progress-bar", "off",
	}
	if s.cfg.Offline {
		args = append(args, "--no-index")
	}
	return args
}

func (s *setup) pipInside(folder, lock string) command {
	return command{path: interpreterIn(folder), args: append([]string{"-I", "-m", "pip"}, s.pipArgs(lock)...)}
}

func (s *setup) pipOutside(p interpreter) func(folder, lock string) command {
	return func(folder, lock string) command {
		args := append([]string{"-I", "-m", "pip", "--python", interpreterIn(folder)}, s.pipArgs(lock)...)
		return command{path: p.Base, args: args}
	}
}

// pipFromWheel runs pip out of its wheel: Python imports from a zip file.
func (s *setup) pipFromWheel(wheel string) func(folder, lock string) command {
	return func(folder, lock string) command {
		args := append([]string{filepath.Join(wheel, "pip")}, s.pipArgs(lock)...)
		return command{path: interpreterIn(folder), args: args}
	}
}
