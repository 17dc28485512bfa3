package pyenv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// record says which folder is the environment. It is the last thing that a
// build writes: what has no record does not exist.
type record struct {
	Folder   string            `json:"folder"` // base name, beside the record
	Version  string            `json:"version"`
	Key      string            `json:"key"`
	Base     string            `json:"base"` // the Python it was built with
	Tool     string            `json:"tool"` // "uv", "venv", ...
	Packages map[string]string `json:"packages"`
	Built    time.Time         `json:"built"`
	Seconds  float64           `json:"seconds"`
}

const recordName = "record.json"

// readRecord returns the record in folder if it is there and what it names can
// be used: the link to the base interpreter leads somewhere. It costs one read
// and one stat.
func readRecord(folder string) (record, bool) {
	var r record
	if !readJSON(filepath.Join(folder, recordName), &r) || r.Folder == "" {
		return record{}, false
	}
	info, err := os.Stat(interpreterIn(filepath.Join(folder, r.Folder)))
	return r, err == nil && info.Mode().IsRegular()
}

// interpreterIn returns the path of a virtual environment's interpreter.
func interpreterIn(folder string) string { return filepath.Join(folder, "bin", "python") }

func readJSON(path string, v any) bool {
	data, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(data, v) == nil
}

// writeJSON puts v into path at once: a reader sees the old file or the new one.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".writing-*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
