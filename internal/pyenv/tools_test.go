package pyenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each way to make an environment is used for real where the machine has it.
func TestEveryToolBuildsAWorkingEnvironment(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"uv", "venv and pip", "venv and the pip of", "venv and /", "virtualenv and pip"} {
		t.Run(strings.TrimSuffix(kind, " /"), func(t *testing.T) {
			t.Parallel()
			a := around(t)
			if uv := realUv(); uv != "" {
				a.link(t, "uv", uv)
			}
			s := a.setup()
			s.wheels = []string{"/usr/share/python-wheels/pip-*.whl"}
			_, fit := s.survey(soon(t))
			if len(fit) == 0 {
				t.Fatal("the Python on PATH is not fit")
			}
			usable := s.tools(fit[0])
			at := slices.IndexFunc(usable, func(one tool) bool { return strings.HasPrefix(one.name, kind) })
			if at < 0 {
				t.Skipf("this machine has no %s", kind)
			}
			buildTiny(t, s, usable[at], fit[0])
		})
	}
}

func buildTiny(t *testing.T, s *setup, with tool, p interpreter) {
	t.Helper()
	mkdir(t, s.home())
	r, err := s.buildWith(soon(t), with, p, startedReport(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.Packages["tiny"] != "1.0" || r.Tool != with.name {
		t.Errorf("the record does not say what was built: %+v", r)
	}
	env, err := s.locate()
	if err != nil {
		t.Fatal(err)
	}
	works(t, env)
}

func realUv() string {
	if path, err := exec.LookPath("uv"); err == nil {
		return path
	}
	python := os.Getenv("DSPOOL_TEST_PYTHON")
	if beside := filepath.Join(filepath.Dir(python), "uv"); python != "" && executable(beside) {
		return beside
	}
	return ""
}

// A Debian Python may come without ensurepip, or without venv.
func TestToolsFollowFromWhatThePythonHas(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		p    interpreter
		uv   bool
		want string
	}{
		{"complete", interpreter{Venv: true, Ensurepip: true, Pip: true}, false, "venv and pip, venv and the pip of /p"},
		{"without ensurepip, with pip", interpreter{Venv: true, Pip: true}, false, "venv and the pip of /p"},
		{"with virtualenv only", interpreter{Virtualenv: true}, false, "virtualenv and pip"},
		{"with nothing, but uv", interpreter{}, true, "uv"},
		{"with nothing", interpreter{}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := surroundings{Environ: []string{"PATH=" + t.TempDir()}}
			if tt.uv {
				a.script(t, "uv", "")
			}
			tt.p.Base = "/p"
			var names []string
			for _, one := range a.setup().tools(tt.p) {
				names = append(names, one.name)
			}
			if got := strings.Join(names, ", "); got != tt.want {
				t.Errorf("tools %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNextToolIsTriedWhenOneFails(t *testing.T) {
	t.Parallel()
	a := around(t)
	a.script(t, "uv", "echo 'error: no such index'; exit 2")
	env := a.mustEnsure(t)
	works(t, env)
	if list := a.setup().list(); len(list) != 1 || !strings.HasPrefix(list[0].Tool, "venv and") || !list[0].Current {
		t.Errorf("listed: %+v", list)
	}
}

// What fails says what was tried and what to do, and leaves nothing.
func TestFailedBuildSaysWhatWasTriedAndWhatToDo(t *testing.T) {
	t.Parallel()
	a := around(t)
	a.Lock = strings.Replace(a.Lock, "sha256:", "sha256:00", 1)[:len(a.Lock)-3] + "\n"
	a.script(t, "uv", "echo 'error: dns error: failed to lookup address'; exit 2")
	_, err := a.ensure(t)
	wantError(t, err, "tried uv", "exit status 2", "dns error", "tried venv and", "What to do:")
	if left, _ := filepath.Glob(filepath.Join(a.setup().home(), "py*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// What one pip cannot fetch no pip can: the others are not tried, because each
// would wait for the network again.
func TestInstallerThatFailedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	failed := attempts{{tool{with: withPip}, installError{os.ErrNotExist}}}
	if !failed.pointless(tool{with: withPip}) || failed.pointless(tool{with: withUv}) {
		t.Error("after an installation with pip failed, pip is pointless and uv is not")
	}
	if (attempts{{tool{with: withPip}, os.ErrNotExist}}).pointless(tool{with: withPip}) {
		t.Error("where no empty environment could be made, pip has not been tried")
	}
}

func TestAdviceFitsTheTrouble(t *testing.T) {
	t.Parallel()
	p := interpreter{Minor: []int{3, 11}}
	tests := []struct{ said, want string }{
		{"ERROR: [Errno 28] No space left on device", "another disk"},
		{"error: Failed to fetch: dns error", "HTTPS_PROXY"},
		{"ERROR: No matching distribution found for dspy==3.4.1", "PIP_INDEX_URL"},
		{"ssl.SSLCertVerificationError: certificate verify failed", "PIP_CERT"},
		{"ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "mirror"},
		{"The virtual environment was not created successfully because ensurepip is not available.", "install"},
		{"OSError: [Errno 30] Read-only file system", CacheVariable},
		{"something nobody has seen before", "dspool doctor"},
		{"", "uv"},
	}
	for _, tt := range tests {
		if got := advice(p, tt.said); !strings.Contains(got, tt.want) {
			t.Errorf("advice for %q is %q, without %q", tt.said, got, tt.want)
		}
	}
}

func TestCounterReadsBothTools(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		lines       string
		done, total int
	}{
		{"uv", "Resolved 68 packages in 5ms\nPrepared 3 packages in 1s\nInstalled 68 packages in 90ms", 68, 68},
		{"pip", "Collecting a==1 (from -r x)\n  Downloading a-1.whl (1 kB)\nCollecting b==2", 2, 70},
		{"noise", "warning: x\n\nResolved many packages", 0, 70},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &counter{tell: startedReport(t), total: 70}
			for line := range strings.Lines(tt.lines) {
				c.line(line)
			}
			if c.done != tt.done || c.total != tt.total {
				t.Errorf("%d of %d, want %d of %d", c.done, c.total, tt.done, tt.total)
			}
		})
	}
}
