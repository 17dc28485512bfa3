package process

import (
	"bufio"
	"bytes"
	"debug/elf"
	"debug/macho"
	"io"
	"os"
	"runtime"
	"strings"
)

// lookInto reads the file's first bytes: a script's interpreter, a binary's
// architecture. It returns "" if they fit this machine or cannot be read.
func lookInto(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return "the file is empty or too short to be a program"
	}
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return scriptTrouble(f)
	case string(head) == elf.ELFMAG:
		return elfTrouble(f)
	default:
		return machoTrouble(f)
	}
}

func scriptTrouble(f *os.File) string {
	if _, err := f.Seek(2, io.SeekStart); err != nil {
		return ""
	}
	line, _ := bufio.NewReader(io.LimitReader(f, 4096)).ReadString('\n')
	words := strings.Fields(line)
	if len(words) == 0 {
		return "the script's first line names no interpreter"
	}
	if _, err := os.Stat(words[0]); err != nil {
		return "the script's interpreter " + words[0] + " does not exist"
	}
	return ""
}

func elfTrouble(f *os.File) string {
	e, err := elf.NewFile(f)
	if err != nil {
		return "the file is a damaged binary"
	}
	if runtime.GOOS != "linux" {
		return "the file is a Linux binary, this is " + runtime.GOOS
	}
	if want, known := elfMachine(); known && e.Machine != want {
		return "the file is for another processor (" + e.Machine.String() + "), this is " + runtime.GOARCH
	}
	if loader := elfLoader(e); loader != "" {
		if _, err := os.Stat(loader); err != nil {
			return "its loader " + loader + " does not exist; it was built for another system or C library"
		}
	}
	return ""
}

func elfMachine() (elf.Machine, bool) {
	switch runtime.GOARCH {
	case "amd64":
		return elf.EM_X86_64, true
	case "arm64":
		return elf.EM_AARCH64, true
	default:
		return elf.EM_NONE, false
	}
}

func elfLoader(e *elf.File) string {
	for _, p := range e.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err == nil {
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}

func machoTrouble(f *os.File) string {
	m, err := macho.NewFile(f)
	if err != nil {
		return "" // a universal binary, or something the kernel knows better
	}
	if runtime.GOOS != "darwin" {
		return "the file is a macOS binary, this is " + runtime.GOOS
	}
	if m.Cpu == macho.CpuAmd64 && runtime.GOARCH == "arm64" {
		return "" // may run translated
	}
	if m.Cpu == macho.CpuArm64 && runtime.GOARCH == "amd64" {
		return "the file is for another processor (arm64), this is amd64"
	}
	return ""
}
