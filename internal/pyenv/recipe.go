package pyenv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"

	"github.com/dspool/dspool/pyworker"
)

// format is the version of the cache folder's layout and of the way in which an
// environment is built. A new number leaves all older environments alone.
const format = 1

// recipe is what an environment is made of.
type recipe struct {
	lock    string   // requirements with hashes
	imports []string // modules whose import proves that it works
	files   fs.FS    // the worker's package
}

func recipeOf(cfg Config) recipe {
	r := recipe{
		lock:    pyworker.Lock(),
		imports: []string{"msgspec", "dspy"},
		files:   pyworker.Files(),
	}
	if cfg.Lock != "" {
		r.lock, r.imports = cfg.Lock, cfg.Imports
	}
	return r
}

// selector names the environments that serve this recipe on this machine,
// whatever Python they are built with. It hashes the lock: up to 0.5 ms.
func (r recipe) selector() string {
	return digest(fmt.Sprint(format), runtime.GOOS, runtime.GOARCH, strings.Join(r.imports, " "), r.lock)[:12]
}

// key identifies the contents of an environment built with one Python.
func key(selector string, p interpreter) string {
	return digest(selector, p.Tag, p.Platform)[:16]
}

// packages counts the lock's entries: an upper bound, some are for other
// platforms.
func (r recipe) packages() int {
	return strings.Count("\n"+r.lock, "==") - strings.Count(r.lock, "'==")
}

func digest(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d:", len(part))
		_, _ = io.WriteString(sum, part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
