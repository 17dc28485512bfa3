package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dspool/dspool/internal/pyenv"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

func TestDoctorTriesTheSandbox(t *testing.T) {
	t.Parallel()
	python := testkit.Python(t)
	testkit.Require(t, "userns")
	env, err := pyenv.Ensure(testkit.Context(t, doctorPatience), pyenv.Config{Python: python, CacheDir: t.TempDir(), Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	got := examineSandbox(t.Context(), &env)
	if got.Status != checkOK || !strings.HasPrefix(got.Found, "no network, read-only files, users of its own") {
		t.Errorf("%+v", got)
	}
	env.Python = "/nonexistent/python"
	if got := examineSandbox(t.Context(), &env); got.Status != checkWarn || !strings.Contains(got.Found, "no such file") {
		t.Errorf("without an interpreter: %+v", got)
	}
	if got := examineSandbox(t.Context(), nil); runtime.GOOS == "linux" && got.Status != checkWarn {
		t.Errorf("without an environment: %+v", got)
	}
}

func TestDoctorSaysWhatForbidsASandbox(t *testing.T) {
	t.Parallel()
	const refused = "unshare(CLONE_NEWUSER|CLONE_NEWNET|CLONE_NEWNS): Operation not permitted"
	tests := []struct {
		name, file, text, why string
		root                  bool
		want                  string
	}{
		{"namespaces used up", "sys/user/max_user_namespaces", "0\n", refused, true, "user.max_user_namespaces=10000"},
		{"old Debian", "sys/kernel/unprivileged_userns_clone", "0\n", refused, false, "unprivileged_userns_clone=1"},
		{"old Debian, root", "sys/kernel/unprivileged_userns_clone", "0\n", refused, true, "kernel's log"},
		{"Ubuntu", "sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", refused, false, "AppArmor"},
		{"a container", "self/status", "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n", refused, true, "seccomp profile"},
		{"an old kernel", "self/status", "Seccomp:\t0\n", "mount_setattr (Linux 5.12) of /: Function not implemented", true, "Linux 5.12"},
		{"nothing known", "self/status", "Name:\tx\nSeccomp:\t0\n", refused, false, "kernel's log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			file := filepath.Join(proc, tt.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			writeFile(t, file, tt.text)
			if got := sandboxAdvice(proc, tt.root, tt.why); !strings.Contains(got, tt.want) || strings.Contains(got, ";") {
				t.Errorf("advice %q", got)
			}
		})
	}
	got := sandboxCheck(wire.Isolation{Network: "none", Why: []string{"mount: refused"}}, t.TempDir())
	if got.Status != checkWarn || got.Found != "no network: mount: refused" || !strings.Contains(got.Advice, "docs/SANDBOX.md") {
		t.Errorf("half a sandbox: %+v", got)
	}
	if got := sandboxCheck(wire.Isolation{Network: "host", Why: []string{refused}}, t.TempDir()); got.Found != "refused: "+refused {
		t.Errorf("none: %+v", got)
	}
}
