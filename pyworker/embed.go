// Package pyworker carries the Python half of dspool inside the binary: the
// package dspool_worker, which runs in every worker process, and the lock file
// of what it needs.
package pyworker

import (
	"embed"
	"io/fs"
)

// The patterns are globs and not folders: a folder would drop __init__.py and
// __main__.py, because their names begin with an underscore.
//
//go:embed dspool_worker/*.py dspool_worker/py.typed dspool_worker/patches/*.py
var files embed.FS

//go:embed requirements.lock
var lock string

// Folder is the name of the package's folder in [Files].
const Folder = "dspool_worker"

// Files returns the Python package: [Folder] with all its modules.
func Files() fs.FS { return files }

// Lock returns the universal lock file, with hashes, of what the package needs.
func Lock() string { return lock }
