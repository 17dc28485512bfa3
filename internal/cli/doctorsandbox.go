package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/dspool/dspool/internal/pyenv"
	"github.com/dspool/dspool/internal/wire"
)

const sandboxName = "sandbox"

// wantedSandbox is the strictest one there is, which is taken as far as it goes.
const wantedSandbox = `{"network": "none", "read_only": true}`

// examineSandbox puts a process of the environment into a sandbox for real, as
// Config.Sandbox would, and explains what the system refuses.
func examineSandbox(ctx context.Context, env *pyenv.Env) check {
	switch {
	case runtime.GOOS != "linux":
		return okay(sandboxName, "there is none on %s: Config.Sandbox must be off", runtime.GOOS)
	case env == nil:
		return warn(sandboxName, "not tried: there is no environment", "see above")
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, env.Python, "-m", "dspool_worker", "sandbox", "--settings", wantedSandbox) //nolint:gosec // the user's own interpreter
	cmd.Env = append(os.Environ(), env.Environ()...)
	out, err := cmd.Output()
	if err != nil {
		return warn(sandboxName, "not tried: "+lastWords(err), "Config.Sandbox cannot be used")
	}
	var got wire.Isolation
	if err := json.Unmarshal(out, &got); err != nil {
		return warn(sandboxName, "not understood: "+err.Error(), "Config.Sandbox cannot be used")
	}
	return sandboxCheck(got, "/proc")
}

// lastWords is the last line that a program wrote to standard error before it
// failed, or how it failed.
func lastWords(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) == 0 {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(exit.Stderr), []byte("\n"))
	return string(lines[len(lines)-1])
}

// sandboxCheck judges what a sandbox came to.
func sandboxCheck(got wire.Isolation, proc string) check {
	var parts []string
	for _, part := range []struct {
		there bool
		text  string
	}{
		{got.Network == "none", "no network"},
		{got.ReadOnly, "read-only files"},
		{got.Users, "users of its own"},
		{got.Signals, "signals kept inside"},
	} {
		if part.there {
			parts = append(parts, part.text)
		}
	}
	found := strings.Join(parts, ", ")
	if len(got.Why) == 0 {
		return okay(sandboxName, "%s", found)
	}
	if found == "" {
		found = "refused"
	}
	advice := sandboxAdvice(proc, os.Geteuid() == 0, strings.Join(got.Why, "; "))
	return warn(sandboxName, found+": "+strings.Join(got.Why, "; "), advice+"; only needed for Config.Sandbox, see docs/SANDBOX.md")
}

// A hurdle is a setting that keeps processes from setting themselves apart.
type hurdle struct {
	file, refusal string
	root          bool // also for root
	advice        string
}

func hurdles() []hurdle {
	return []hurdle{
		{
			"sys/user/max_user_namespaces", "0", true,
			"user.max_user_namespaces is 0: `sysctl -w user.max_user_namespaces=10000`",
		},
		{
			"sys/kernel/unprivileged_userns_clone", "0", false,
			"kernel.unprivileged_userns_clone is 0: `sysctl -w kernel.unprivileged_userns_clone=1`",
		},
		{
			"sys/kernel/apparmor_restrict_unprivileged_userns", "1", false,
			"AppArmor restricts user namespaces: give the interpreter a profile with `userns,`, or " +
				"`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`",
		},
	}
}

// sandboxAdvice says what to change, as far as the system tells what it is.
func sandboxAdvice(proc string, root bool, why string) string {
	var advice []string
	for _, h := range hurdles() {
		data, err := os.ReadFile(filepath.Join(proc, h.file))
		if err == nil && strings.TrimSpace(string(data)) == h.refusal && (h.root || !root) {
			advice = append(advice, h.advice)
		}
	}
	if status, err := os.ReadFile(filepath.Join(proc, "self/status")); err == nil && bytes.Contains(status, []byte("\nSeccomp:\t2\n")) {
		advice = append(advice, "a filter of system calls is active, as in a container: its seccomp profile must allow unshare, mount and mount_setattr")
	}
	if strings.Contains(why, "mount_setattr") && strings.Contains(why, "not implemented") {
		advice = append(advice, "a read-only view needs Linux 5.12")
	}
	if len(advice) == 0 {
		return "a security module or the container forbids it: look into the kernel's log"
	}
	return strings.Join(advice, "; ")
}
