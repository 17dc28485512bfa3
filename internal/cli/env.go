package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
)

func newEnvCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Create, find and remove the Python environment of the workers",
		Long: "Workers run in a virtual environment that dspool builds once, from a lock file with hashes, and keeps in the\n" +
			"cache folder. Set DSPOOL_PYTHON to use an environment of your own instead: it needs dspy and msgspec.",
	}
	cmd.AddCommand(newEnvCreateCommand(a), newEnvPathCommand(a), newEnvWhereCommand(a), newEnvRemoveCommand(a))
	return cmd
}

func newEnvCreateCommand(a *app) *cobra.Command {
	var offline, again bool
	var lock string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Build the environment if it is not there, and print its interpreter",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := withLock(a.pyenv(), lock)
			if err != nil {
				return err
			}
			cfg.Offline = offline
			if again {
				if _, err := pyenv.Remove(cmd.Context(), cfg, false); err != nil {
					return err
				}
			}
			env, err := a.ensure(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			a.printf("%s\n", env.Python)
			return nil
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "install from what uv or pip find on this machine only")
	cmd.Flags().StringVar(&lock, "lock", "", "build from this `file`, requirements with hashes, instead of dspool's own; name the result with --python")
	cmd.Flags().BoolVar(&again, "again", false, "remove the environment first")
	return cmd
}

// withLock makes cfg ask for an environment that holds what a file asks for.
func withLock(cfg pyenv.Config, file string) (pyenv.Config, error) {
	if file == "" {
		return cfg, nil
	}
	lock, err := os.ReadFile(file)
	if err != nil {
		return cfg, fault.Wrap(fault.InvalidArgument, err, "the lock file cannot be read")
	}
	if len(lock) == 0 {
		return cfg, fault.Newf(fault.InvalidArgument, "the lock file %s is empty", file)
	}
	cfg.Lock, cfg.Imports = string(lock), []string{"msgspec", "dspy"}
	return cfg, nil
}

func newEnvPathCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Print the interpreter of the environment; fails if it has not been built",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			env, err := pyenv.Locate(a.pyenv())
			if err != nil {
				return err
			}
			a.printf("%s\n", env.Python)
			return nil
		},
	}
}

func newEnvWhereCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "where",
		Short: "Show the cache folder and the environments in it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			report, err := newWhereReport(a.pyenv())
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(report)
			}
			return a.where(report)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// whereReport is what `dspool env where --json` prints.
type whereReport struct {
	Cache        string       `json:"cache"`
	Environments []whereEntry `json:"environments"`
}

type whereEntry struct {
	Folder  string    `json:"folder"`
	Current bool      `json:"current"`
	Python  string    `json:"python"`
	DSPy    string    `json:"dspy"`
	Tool    string    `json:"tool"`
	Built   time.Time `json:"built"`
	Bytes   int64     `json:"bytes"`
}

func newWhereReport(cfg pyenv.Config) (whereReport, error) {
	cache, err := pyenv.CacheFolder(cfg)
	if err != nil {
		return whereReport{}, err
	}
	installed, err := pyenv.List(cfg)
	if err != nil {
		return whereReport{}, err
	}
	report := whereReport{Cache: cache, Environments: []whereEntry{}}
	for _, one := range installed {
		report.Environments = append(report.Environments, whereEntry{
			Folder: one.Folder, Current: one.Current, Python: one.Version, DSPy: one.Packages["dspy"],
			Tool: one.Tool, Built: one.Built, Bytes: pyenv.Size(one.Folder),
		})
	}
	return report, nil
}

func (a *app) where(report whereReport) error {
	a.printf("cache folder  %s\n", report.Cache)
	if len(report.Environments) == 0 {
		a.printf("no environment yet: `dspool env create` builds it\n")
		return nil
	}
	table := a.table()
	fmt.Fprintln(table, "\nENVIRONMENT\tPYTHON\tDSPY\tBUILT WITH\tSIZE\tUSED BY")
	for _, e := range report.Environments {
		user := "another version of dspool"
		if e.Current {
			user = "this version of dspool"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d MB\t%s\n", e.Folder, e.Python, e.DSPy, e.Tool, e.Bytes>>20, user)
	}
	return table.Flush()
}

func newEnvRemoveCommand(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Remove the environment from the cache folder (stop pools first)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, err := pyenv.Remove(cmd.Context(), a.pyenv(), all)
			for _, folder := range removed {
				a.notef("removed %s\n", folder)
			}
			if err == nil && len(removed) == 0 {
				a.notef("nothing to remove\n")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those of other versions of dspool, and all else that dspool keeps in the cache folder")
	return cmd
}

// pyenv is the environment that the global flags ask for.
func (a *app) pyenv() pyenv.Config {
	return pyenv.Config{Python: a.python, CacheDir: a.cache, Logger: a.logger()}
}

// ensure builds the environment if need be and shows how that goes on.
func (a *app) ensure(ctx context.Context, cfg pyenv.Config) (pyenv.Env, error) {
	line := a.progress()
	cfg.Progress = line.show
	defer line.end()
	return pyenv.Ensure(ctx, cfg)
}
