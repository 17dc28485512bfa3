package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/internal/pyenv"
	"github.com/dspool/dspool/internal/wire"
)

// versionReport is what `dspool version --json` prints.
type versionReport struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Protocol int    `json:"protocol"`
	DSPy     string `json:"dspy"`
	Platform string `json:"platform"`
}

func (r versionReport) line() string {
	return fmt.Sprintf("%s, %s, protocol %d, dspy %s, %s", r.Version, r.Go, r.Protocol, r.DSPy, r.Platform)
}

func newVersionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of dspool and of what it is built on",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			report := newVersionReport()
			if asJSON {
				return a.json(report)
			}
			a.printf("dspool %s\n", report.line())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func newVersionReport() versionReport {
	return versionReport{
		Version:  moduleVersion(),
		Revision: setting("vcs.revision"),
		Go:       runtime.Version(),
		Protocol: wire.Version,
		DSPy:     pyenv.PinnedDSPy(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}

// moduleVersion is the version that Go built into the binary.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// setting returns one of the settings that Go built into the binary.
func setting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
