// Package pyenv finds or builds the Python environment that workers run in.
//
// [Ensure] returns an interpreter with dspy and msgspec, and the folder that
// holds the worker's own package. Where the user names an interpreter it is
// used as it is, after a check. Else dspool has an environment of its own: a
// virtual environment built once from a lock file with hashes, with uv where
// there is one, else with venv and pip.
//
// # The cache folder
//
//	env/SELECTOR/lock          held while somebody builds
//	env/SELECTOR/record.json   which folder is the environment; written last
//	env/SELECTOR/py3.11-KEY-N/ the virtual environment
//	worker/HASH/               the worker's package, unpacked
//	check/HASH.json            what is known of a user's own interpreter
//
// SELECTOR is a hash of the lock file, the platform and the format of this
// folder; KEY adds the Python it was built with.
//
// An environment is built where it stays, because scripts and bytecode inside
// hold its path, and in a folder that no other builder uses. It comes into use
// when record.json is renamed into place. So a builder that is killed, or whose
// children live on for a while, can never damage what others use; the next one
// removes what it left. The lock saves work, it is not needed for safety: where
// a file system knows no locks, two builders just build twice.
package pyenv
