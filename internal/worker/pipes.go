package worker

import (
	"os"

	"github.com/dspool/dspool/internal/process"
)

// pipes carry the output of a worker that the fork server starts.
type pipes struct{ outR, outW, errR, errW *os.File }

func openPipes() (*pipes, error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_ = outR.Close()
		_ = outW.Close()
		return nil, err
	}
	return &pipes{outR, outW, errR, errW}, nil
}

// follow starts to read them, for a process that is not there yet.
func (p *pipes) follow(cfg *Config, id string) *forked {
	return &forked{
		stdout: process.Follow(p.outR, cfg.lines(id, Stdout), cfg.Redact),
		stderr: process.Follow(p.errR, cfg.lines(id, Stderr), cfg.Redact),
		done:   make(chan struct{}),
	}
}

func (p *pipes) closePeer() {
	_ = p.outW.Close()
	_ = p.errW.Close()
}
