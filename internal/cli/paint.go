package cli

import (
	"io"
	"os"
	"sync"
)

// A painter colours text on terminals and leaves it alone elsewhere.
type painter struct{ on bool }

// painter colours what goes to w, unless NO_COLOR forbids it or w is no
// terminal that can.
func newPainter(w io.Writer) painter {
	return painter{on: isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p painter) paint(code, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p painter) bold(text string) string  { return p.paint("1", text) }
func (p painter) faint(text string) string { return p.paint("2", text) }
func (p painter) good(text string) string  { return p.paint("32", text) }
func (p painter) bad(text string) string   { return p.paint("31", text) }

// A sharedWriter lets several goroutines write to one stream, a whole write at
// a time.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}
