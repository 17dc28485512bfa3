package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
)

// examine runs all checks, in an order in which the first failure is the one to
// mend first.
func (a *app) examine(ctx context.Context) []check {
	checks := []check{okay("dspool", "%s", newVersionReport().line())}
	python, env := a.examinePython(ctx)
	checks = append(checks, python...)
	checks = append(append(checks, examineSystem(env)...), examineSandbox(ctx, env))
	return append(checks, a.examinePool(ctx, env)...)
}

// examinePython checks Python and the environment. The environment is nil when
// it cannot be used yet.
func (a *app) examinePython(ctx context.Context) ([]check, *pyenv.Env) {
	cfg := a.pyenv()
	env, err := pyenv.Locate(cfg)
	switch {
	case err == nil && env.Managed:
		return ownedEnvironment(cfg, env), &env
	case err == nil:
		return ownPython(ctx, cfg)
	case pyenv.Named(cfg) != "":
		return []check{fail("python", pyenv.Named(cfg), reason(err))}, nil
	default:
		return missingEnvironment(ctx, cfg), nil
	}
}

// ownPython checks the interpreter that the user named.
func ownPython(ctx context.Context, cfg pyenv.Config) ([]check, *pyenv.Env) {
	env, err := pyenv.Ensure(ctx, cfg)
	if err != nil {
		return []check{fail("python", pyenv.Named(cfg), reason(err))}, nil
	}
	found := fmt.Sprintf("%s at %s, because --python or %s names it", env.Version, env.Python, pyenv.PythonVariable)
	checks := []check{okay("python", "%s", found)}
	if want := pyenv.PinnedDSPy(); env.DSPy != want {
		return append(checks, warn("packages", "dspy "+env.DSPy, "dspool is made for and tested with dspy "+want)), &env
	}
	return append(checks, okay("packages", "dspy %s", env.DSPy)), &env
}

// missingEnvironment tells whether the environment could be built, and with
// what.
func missingEnvironment(ctx context.Context, cfg pyenv.Config) []check {
	const create = "run `dspool env create`; the first pool does it as well (20 to 60 s, about 400 MB, needs the network once)"
	candidates, err := pyenv.Candidates(ctx, cfg)
	if err != nil {
		return []check{fail("python", "not looked for", reason(err))}
	}
	var refused []string
	for _, c := range candidates {
		if c.Err == nil {
			return []check{
				okay("python", "%s at %s, the first of %d found that fits", c.Version, c.Path, len(candidates)),
				warn("environment", "not built yet", create),
			}
		}
		refused = append(refused, fmt.Sprintf("%s: %v", c.Path, c.Err))
	}
	if len(refused) == 0 {
		refused = []string{"nothing called python3 on PATH"}
	}
	return []check{fail("python", strings.Join(refused, "; "), "install CPython 3.10 to 3.13: "+pyenv.InstallAdvice())}
}

// ownedEnvironment describes the environment that dspool built.
func ownedEnvironment(cfg pyenv.Config, env pyenv.Env) []check {
	installed, err := pyenv.List(cfg)
	if err != nil || len(installed) == 0 || !installed[0].Current {
		return []check{warn("environment", env.Folder+" has just gone", "run `dspool env create`")}
	}
	one := installed[0]
	p := one.Packages
	return []check{
		okay("python", "%s at %s, which dspool's own environment was built from", one.Version, one.Base),
		okay("environment", "%s, built with %s", env.Folder, one.Tool),
		okay("packages", "dspy %s, msgspec %s, uvloop %s and %d more", p["dspy"], p["msgspec"], p["uvloop"], max(0, len(p)-3)),
	}
}

// reason is the message of an error without its code.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), string(fault.CodeOf(err))+": ")
}
