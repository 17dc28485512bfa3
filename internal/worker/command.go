package worker

import (
	"crypto/rand"
	"encoding/json"
	"os/exec"
	"slices"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
	"github.com/dspool/dspool/internal/wire"
)

// firstFile is the number of the first descriptor handed over.
const firstFile = 3

// command returns the program's path and arguments for one mode.
func (c *Config) command(mode ...string) (path string, args []string, err error) {
	argv := c.Command
	if len(argv) == 0 {
		argv = []string{c.Python, "-m", "dspool_worker"}
	}
	path, err = exec.LookPath(argv[0])
	if err != nil {
		return "", nil, fault.Wrap(fault.Unavailable, err, "could not start a worker: "+process.Diagnose(err, argv[0]))
	}
	return path, slices.Concat(argv[1:], mode), nil
}

func (c *Config) settings(id string) wire.Settings {
	s := c.Settings
	s.Versions = [2]int{wire.Version, wire.Version}
	s.Nonce = rand.Text()
	s.Worker = id
	s.Slots = c.Slots
	s.FrameLimit = c.FrameLimit
	s.Path = c.Path
	setDefault(&s.Threads, c.Threads)
	setDefault(&s.Threads, ThreadsDefault)
	setDefault(&s.Programs, programsDefault)
	setDefault(&s.LMs, lmsDefault)
	setDefault(&s.Loop, "uvloop")
	return s
}

func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "could not write the settings of a worker")
	}
	return string(b), nil
}
